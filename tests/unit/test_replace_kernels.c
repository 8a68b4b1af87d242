// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernels and devices of a pretended machine, and what preflight says of them. */
/* rooms: replace seat base */
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace_sample.h"

#include <fcntl.h>
#include <libgen.h>
#include <sys/sysmacros.h>

#define RELEASE "6.1.0-99-test"
#define MODULES "lib/modules/" RELEASE "/"

static char root[] = "/tmp/upkeep-kernels-XXXXXX";
static char boot[64], sys[64], modules[64], etc[64], lib[64];
static const char *const parts[] = {
	"init", "resume", "catch", "gather", "tree.so", "criu/seat.so"
};
static struct uk_host_paths paths;

static void put_bytes(const char *name, const char *bytes, size_t len)
{
	uk_auto_free char *path = NULL, *copy = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	ck_ok(uk_strdup(path, &copy));
	ck_ok(uk_dir_make(dirname(copy), 0755));
	ck_ok(uk_file_write(path, bytes, len, 0644));
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static void put_link(const char *name, const char *target)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	ck_assert_int_eq(symlink(target, path), 0);
}

static const char builtin[] =
	"kernel/net/unix/unix_diag.ko\nkernel/net/ipv4/tcp_diag.ko\nkernel/net/ipv4/udp_diag.ko\n"
	"kernel/net/ipv4/inet_diag.ko\nkernel/net/packet/af_packet_diag.ko\n"
	"kernel/net/netlink/netlink_diag.ko\nkernel/net/netfilter/nf_tables.ko\n"
	"kernel/net/netfilter/nft_ct.ko\nkernel/net/netfilter/nft_compat.ko\n"
	"kernel/net/netfilter/xt_mark.ko\nkernel/net/netfilter/xt_conntrack.ko\n"
	"kernel/drivers/net/virtio_net.ko\nkernel/fs/ext4/ext4.ko\n";
static const char modinfo[] = "virtio_net.alias=virtio:d00000001v*\0"
			      "virtio_net.license=GPL\0"
			      "ext4.alias=fs-ext4\0"
			      "ext4.alias=fs-ext3\0";

static void put_modules(const char *names)
{
	put(MODULES "modules.builtin", names);
	put(MODULES "modules.order", "");
	put_bytes(MODULES "modules.builtin.modinfo", modinfo, sizeof(modinfo) - 1);
	ck_ok(uk_process_call(NULL, "depmod", "-b", root, RELEASE, NULL));
}

static void put_kernel(const char *config)
{
	put("boot/vmlinuz-" RELEASE, "image");
	put("boot/config-" RELEASE, config);
}

#define CONFIG                                                                                     \
	"CONFIG_CHECKPOINT_RESTORE=y\nCONFIG_NAMESPACES=y\nCONFIG_FHANDLE=y\nCONFIG_TIME_NS=y\n"   \
	"CONFIG_MEM_SOFT_DIRTY=y\nCONFIG_INET_DIAG_DESTROY=y\n# CONFIG_X is not set\n"             \
	"CONFIG_UNIX_DIAG=m\nCONFIG_HZ=250\n"

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(boot, sizeof(boot), "%s/boot", root);
	snprintf(sys, sizeof(sys), "%s/sys", root);
	snprintf(modules, sizeof(modules), "%s/lib/modules", root);
	snprintf(etc, sizeof(etc), "%s/etc", root);
	snprintf(lib, sizeof(lib), "%s/upkeep", root);
	paths = (struct uk_host_paths){ .proc = "/proc",
					.sys = sys,
					.boot = boot,
					.modules = modules,
					.etc = etc,
					.lib = lib };
	for (size_t i = 0; i < UK_ARRAY_SIZE(parts); i++) {
		char name[32];
		snprintf(name, sizeof(name), "upkeep/%s", parts[i]);
		put(name, "");
	}
	ck_ok(uk_dir_make(boot, 0755));
	put("sys/kernel/kexec_loaded", "0\n");
}

static void tear_down(void)
{
	ck_ok(uk_tree_remove(root));
}

START_TEST(a_kernel_is_known_by_its_files)
{
	put_kernel(CONFIG);
	put_modules(builtin);
	uk_auto_boot_kernel struct uk_boot_kernel *kernel = NULL;
	ck_ok(uk_boot_kernel_read(&paths, RELEASE, &kernel));
	ck_assert_str_eq(uk_boot_kernel_release(kernel), RELEASE);
	ck_assert(uk_boot_kernel_has_image(kernel) && uk_boot_kernel_has_modules(kernel));
	ck_assert_int_eq(uk_boot_kernel_option(kernel, "CONFIG_TIME_NS"), 'y');
	ck_assert_int_eq(uk_boot_kernel_option(kernel, "CONFIG_UNIX_DIAG"), 'm');
	ck_assert_int_eq(uk_boot_kernel_option(kernel, "CONFIG_HZ"), 'v');
	ck_assert_int_eq(uk_boot_kernel_option(kernel, "CONFIG_X"), 'n');
	ck_assert(uk_boot_kernel_has_driver(kernel, "unix_diag"));
	ck_assert(!uk_boot_kernel_has_driver(kernel, "no_such_module"));
	ck_assert(uk_boot_kernel_has_driver(kernel, "virtio:d00000001v00001AF4"));
	ck_assert(!uk_boot_kernel_has_driver(kernel, "virtio:d00000002v00001AF4"));
	ck_assert(uk_boot_kernel_can_mount(kernel, "ext4"));
	ck_assert(uk_boot_kernel_can_mount(kernel, "ext3"));
	ck_assert(uk_boot_kernel_can_mount(kernel, "tmpfs"));
	ck_assert(!uk_boot_kernel_can_mount(kernel, "xfs"));
	ck_assert(!uk_boot_kernel_can_mount(kernel, "fuse.sshfs"));
}
END_TEST

START_TEST(a_kernel_that_is_not_there_has_nothing)
{
	uk_auto_boot_kernel struct uk_boot_kernel *kernel = NULL;
	ck_ok(uk_boot_kernel_read(&paths, RELEASE, &kernel));
	ck_assert(!uk_boot_kernel_has_image(kernel) && !uk_boot_kernel_has_modules(kernel));
	ck_assert(!uk_boot_kernel_has_config(kernel));
	ck_assert_int_eq(uk_boot_kernel_option(kernel, "CONFIG_TIME_NS"), '?');
	ck_assert(!uk_boot_kernel_has_driver(kernel, "unix_diag"));
	struct uk_boot_kernel *none = NULL;
	ck_fails(uk_boot_kernel_read(&paths, "../x", &none), UK_ERR_USAGE, "is no release");
	ck_fails(uk_boot_kernel_read(&paths, "", &none), UK_ERR_USAGE, "is no release");
}
END_TEST

START_TEST(the_newest_kernel_is_found)
{
	uk_auto_free char *none = NULL, *newest = NULL;
	ck_ok(uk_boot_kernel_newest(&paths, &none));
	ck_assert_ptr_null(none);
	put("boot/vmlinuz-6.1.0-9-amd64", "");
	put("boot/vmlinuz-6.1.0-47-amd64", "");
	put("boot/vmlinuz-6.1.0-99-amd64.old", "");
	put("boot/config-6.12.0-1-amd64", "");
	ck_ok(uk_boot_kernel_newest(&paths, &newest));
	ck_assert_str_eq(newest, "6.1.0-47-amd64");
}
END_TEST

static void run_preflight(const char *kernel, const char *store, struct uk_preflight *ret)
{
	const struct uk_preflight_options options = { .paths = &paths,
						      .kernel = kernel,
						      .store = store };
	ck_ok(uk_preflight_run(&options, ret));
}

static const struct uk_preflight_finding *find(const struct uk_preflight *preflight, const char *id)
{
	uk_vec_for_each(finding, &preflight->findings) {
		if (!strcmp(finding->id, id))
			return finding;
	}
	return NULL;
}

static void check(const char *id, enum uk_fate verdict, const char *text)
{
	uk_auto_preflight struct uk_preflight preflight = {};
	run_preflight(RELEASE, root, &preflight);
	const struct uk_preflight_finding *finding = find(&preflight, id);
	ck_assert_msg(finding, "nothing is said of %s", id);
	ck_assert_int_eq(finding->verdict, verdict);
	ck_assert_msg(strstr(finding->what, text), "'%s' lacks '%s'", finding->what, text);
}

START_TEST(a_good_kernel_has_no_findings)
{
	put_kernel(CONFIG);
	put_modules(builtin);
	uk_auto_preflight struct uk_preflight preflight = {};
	run_preflight(NULL, root, &preflight);
	ck_assert_str_eq(preflight.target, RELEASE);
	uk_vec_for_each(finding, &preflight.findings) {
		/* CRIU, mounts and modules of the machine that the test runs on */
		if (strcmp(finding->rule, "criu") && strcmp(finding->rule, "mount") &&
		    strcmp(finding->rule, "diag"))
			ck_assert_msg(finding->verdict == UK_FATE_EXACT, "%s", finding->what);
	}
	ck_assert_ptr_nonnull(find(&preflight, "room:images"));
	ck_assert_uint_gt(preflight.room, 0);
	ck_assert_uint_eq(preflight.needed, 0);
}
END_TEST

START_TEST(what_a_kernel_lacks_is_told)
{
	uk_auto_preflight struct uk_preflight none = {};
	run_preflight(NULL, NULL, &none);
	ck_assert_ptr_nonnull(find(&none, "kernel:new kernel"));
	ck_assert_ptr_null(none.target);
	ck_fails(uk_preflight_verdict(&none), UK_ERR_REFUSED,
		 "this machine cannot change its kernel so");
	check("kernel:" RELEASE, UK_FATE_IMPOSSIBLE, "its image is not installed");
	put("boot/vmlinuz-" RELEASE, "image");
	check("kernel:" RELEASE, UK_FATE_IMPOSSIBLE, "its modules are not installed");
	put_modules("kernel/net/unix/unix_diag.ko\n");
	check("kernel-config:" RELEASE, UK_FATE_CHANGED, "its configuration is not known");
	check("kernel-modules:" RELEASE, UK_FATE_IMPOSSIBLE, "missing: tcp_diag udp_diag inet");
	put_kernel("CONFIG_NAMESPACES=y\nCONFIG_FHANDLE=y\n");
	check("kernel-option:CONFIG_CHECKPOINT_RESTORE", UK_FATE_IMPOSSIBLE, "built without");
	check("kernel-option:CONFIG_TIME_NS", UK_FATE_CHANGED, "CLOCK_MONOTONIC");
}
END_TEST

START_TEST(upkeep_has_to_be_there_itself)
{
	char id[32], name[32], path[96];
	snprintf(id, sizeof(id), "upkeep:%s", parts[_i]);
	snprintf(name, sizeof(name), "upkeep/%s is not there", parts[_i]);
	snprintf(path, sizeof(path), "%s/%s", lib, parts[_i]);
	put_kernel(CONFIG);
	put_modules(builtin);
	uk_auto_preflight struct uk_preflight preflight = {};
	run_preflight(RELEASE, root, &preflight);
	ck_assert_ptr_null(find(&preflight, id));
	ck_assert_int_eq(unlink(path), 0);
	check(id, UK_FATE_IMPOSSIBLE, name);
}
END_TEST

START_TEST(devices_need_a_driver)
{
	put_kernel(CONFIG);
	put_modules(builtin);
	put("sys/devices/pci0/virtio0/modalias", "virtio:d00000001v00001AF4\n");
	put("sys/devices/pci0/virtio0/net/eth0/address", "x");
	put("sys/devices/pci0/modalias", "pci:v00008086\n");
	put("sys/devices/pci0/odd/net/eth1/address", "x");
	put("sys/class/net/lo/address", "x");
	put("sys/class/net/eth0/address", "x");
	put("sys/class/net/eth1/address", "x");
	put_link("sys/class/net/eth0/device", "../../../devices/pci0/virtio0");
	put_link("sys/class/net/eth1/device", "../../../devices/pci0/odd");
	uk_boot_devices devices = {};
	ck_ok(uk_boot_devices_read(&paths, NULL, 0, &devices));
	ck_assert_uint_eq(devices.len, 2);
	ck_assert_str_eq(devices.data[0].name, "network interface eth0");
	ck_assert_str_eq(devices.data[0].alias, "virtio:d00000001v00001AF4");
	ck_assert_str_eq(devices.data[1].alias, "pci:v00008086");
	uk_boot_devices_deinit(&devices);
	check("driver:network interface eth1", UK_FATE_IMPOSSIBLE, "no driver for it (pci:v");

	dev_t disk = makedev(254, 1);
	put("sys/devices/pci0/virtio0/block/vda/vda1/partition", "1");
	put("sys/dev/block/x", "");
	put_link("sys/dev/block/254:1", "../../devices/pci0/virtio0/block/vda/vda1");
	ck_ok(uk_boot_devices_read(&paths, &disk, 1, &devices));
	ck_assert_uint_eq(devices.len, 3);
	ck_assert_str_eq(devices.data[2].name, "disk vda1");
	ck_assert_str_eq(devices.data[2].alias, "virtio:d00000001v00001AF4");
	uk_boot_devices_deinit(&devices);
}
END_TEST

/* modules.builtin.modinfo has no aliases of tables: nvme of cloud kernels, say. */
START_TEST(a_driver_that_is_built_in_is_known_by_its_name)
{
	put_kernel(CONFIG);
	put_modules(builtin);
	put("sys/devices/pci0/modalias", "pci:v00008086\n");
	put("sys/devices/pci0/net/eth1/address", "x");
	put("sys/class/net/eth1/address", "x");
	put_link("sys/class/net/eth1/device", "../../../devices/pci0");
	check("driver:network interface eth1", UK_FATE_IMPOSSIBLE, "no driver for it (pci:v");
	put_link("sys/devices/pci0/driver", "../../bus/pci/drivers/other");
	check("driver:network interface eth1", UK_FATE_IMPOSSIBLE, "no driver for it (pci:v");
	uk_auto_free char *link = NULL;
	ck_ok(uk_asprintf(&link, "%s/sys/devices/pci0/driver", root));
	ck_assert_int_eq(unlink(link), 0);
	put_link("sys/devices/pci0/driver", "../../bus/pci/drivers/virtio_net");
	uk_auto_preflight struct uk_preflight preflight = {};
	run_preflight(RELEASE, root, &preflight);
	ck_assert_ptr_null(find(&preflight, "driver:network interface eth1"));
}
END_TEST

/* The disk stands beside the links to its controllers. */
START_TEST(a_disk_of_several_controllers_has_the_driver_of_one)
{
	dev_t disk = makedev(259, 0);
	uk_boot_devices devices = {};
	put("sys/devices/pci0/nvme/nvme0/state", "live");
	put("sys/devices/pci0/modalias", "pci:v00001B36\n");
	put("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/size", "1");
	put("sys/dev/block/x", "");
	put_link("sys/dev/block/259:0",
		 "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	put_link("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		 "../../../pci0/nvme/nvme0");
	ck_ok(uk_boot_devices_read(&paths, &disk, 1, &devices));
	ck_assert_uint_eq(devices.len, 1);
	ck_assert_str_eq(devices.data[0].name, "disk nvme0n1");
	ck_assert_str_eq(devices.data[0].alias, "pci:v00001B36");
	uk_boot_devices_deinit(&devices);
}
END_TEST

START_TEST(what_forbids_a_jump_is_told)
{
	bool is_signed;
	ck_assert_ptr_null(uk_kexec_obstacle(&paths, &is_signed));
	put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	ck_assert_ptr_nonnull(strstr(uk_kexec_obstacle(&paths, &is_signed), "locked down"));
	ck_assert(is_signed);
	put("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	ck_assert_ptr_null(uk_kexec_obstacle(&paths, &is_signed));
	put("proc/sys/kernel/kexec_load_disabled", "1\n");
	uk_auto_free char *proc = NULL;
	ck_ok(uk_asprintf(&proc, "%s/proc", root));
	paths.proc = proc;
	ck_assert_ptr_nonnull(strstr(uk_kexec_obstacle(&paths, &is_signed), "switched off"));
	ck_assert(!is_signed);
	paths.proc = "/proc";
	paths.sys = "/nonexistent";
	ck_assert_ptr_nonnull(strstr(uk_kexec_obstacle(&paths, &is_signed), "cannot kexec"));
}
END_TEST

static void hold_folder(void)
{
	child_needs(open("/", O_RDONLY | O_DIRECTORY) >= 0);
}

/* Modules of a kernel that has none for the root of this machine. */
START_TEST(files_need_their_file_system)
{
	char name[16];
	const char *keep = name;
	struct child child = {};
	put_kernel(CONFIG);
	put_modules("kernel/net/unix/unix_diag.ko\n");
	put_bytes(MODULES "modules.builtin.modinfo", "", 0);
	ck_ok(uk_process_call(NULL, "depmod", "-b", root, RELEASE, NULL));
	ck_assert(child_start(&child, hold_folder, NULL, -1));
	snprintf(name, sizeof(name), "%d", child.pid);
	const struct uk_preflight_options options = {
		.paths = &paths, .kernel = RELEASE, .keep = &keep, .nr_keep = 1
	};
	uk_auto_preflight struct uk_preflight preflight = {};
	ck_ok(uk_preflight_run(&options, &preflight));
	const struct uk_preflight_finding *finding = sample_find(&preflight, "file-system");
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
	ck_assert_msg(strstr(finding->what, "which kernel " RELEASE " cannot mount"), "%s",
		      finding->what);
	child_stop(&child);
}
END_TEST

static void hold_much(void)
{
	size_t len = 64 << 20;
	char *memory = malloc(len);
	child_needs(memory);
	memset(memory, 7, len);
	__asm__ volatile("" : : "r"(memory) : "memory");
}

START_TEST(images_need_room)
{
	char name[16];
	const char *keep = name;
	struct child child = {};
	ck_assert(child_start(&child, hold_much, NULL, -1));
	snprintf(name, sizeof(name), "%d", child.pid);
	struct uk_preflight_options options = {
		.paths = &paths, .keep = &keep, .nr_keep = 1, .store = "/proc/not/there"
	};
	uk_auto_preflight struct uk_preflight none = {};
	ck_ok(uk_preflight_run(&options, &none));
	ck_assert_uint_ge(none.needed, 64 << 20);
	ck_assert_uint_lt(none.needed, 128 << 20);
	ck_assert_int_eq(find(&none, "room:images")->verdict, UK_FATE_IMPOSSIBLE);
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_kernels");
	TCase *tcase = tcase_create("kernels");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_kernel_is_known_by_its_files);
	tcase_add_test(tcase, a_kernel_that_is_not_there_has_nothing);
	tcase_add_test(tcase, the_newest_kernel_is_found);
	tcase_add_test(tcase, a_good_kernel_has_no_findings);
	tcase_add_test(tcase, what_a_kernel_lacks_is_told);
	tcase_add_loop_test(tcase, upkeep_has_to_be_there_itself, 0, UK_ARRAY_SIZE(parts));
	tcase_add_test(tcase, devices_need_a_driver);
	tcase_add_test(tcase, a_driver_that_is_built_in_is_known_by_its_name);
	tcase_add_test(tcase, a_disk_of_several_controllers_has_the_driver_of_one);
	tcase_add_test(tcase, what_forbids_a_jump_is_told);
	tcase_add_test(tcase, files_need_their_file_system);
	tcase_add_test(tcase, images_need_room);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}

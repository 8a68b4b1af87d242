/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a kernel that is installed: its image, its modules and its configuration,
 * and what this machine's devices ask of it. And of this machine: whether it can jump.
 */
#ifndef UPKEEP_REPLACE_KERNELS_H
#define UPKEEP_REPLACE_KERNELS_H

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "replace/task.h"

#include <stdbool.h>

struct uk_boot_kernel;

/* Reads what there is of @release; what is missing can be asked for below. */
struct uk_error *uk_boot_kernel_read(const struct uk_host_paths *paths, const char *release,
				     struct uk_boot_kernel **ret) uk_must_check;
void uk_boot_kernel_destroy(struct uk_boot_kernel *kernel);
UK_DEFINE_CLEANUP(boot_kernel, struct uk_boot_kernel *, uk_boot_kernel_destroy)
#define uk_auto_boot_kernel uk_cleanup(uk_cleanup_boot_kernel)

/* The newest release with an image in /boot; NULL when there is none. */
struct uk_error *uk_boot_kernel_newest(const struct uk_host_paths *paths, char **ret) uk_must_check;

const char *uk_boot_kernel_release(const struct uk_boot_kernel *kernel);
bool uk_boot_kernel_has_image(const struct uk_boot_kernel *kernel);
bool uk_boot_kernel_has_modules(const struct uk_boot_kernel *kernel);
bool uk_boot_kernel_has_config(const struct uk_boot_kernel *kernel);

/* 'y', 'm', 'n', or '?' without a configuration. @option is "CONFIG_KEXEC". */
char uk_boot_kernel_option(const struct uk_boot_kernel *kernel, const char *option);

/* Whether it has a driver: by module name ("unix_diag"), or alias ("pci:v00001AF4d..."). */
bool uk_boot_kernel_has_driver(const struct uk_boot_kernel *kernel, const char *name);

/* Whether it can mount file systems of this type. */
bool uk_boot_kernel_can_mount(const struct uk_boot_kernel *kernel, const char *type);

/* A device that a new kernel has to bring up before anything can be restored. */
struct uk_boot_device {
	char *name;   /* "network interface eth0", "disk of / (vda)" */
	char *alias;  /* of the nearest device above it that has one: "virtio:d00000001v..." */
	char *module; /* of that one's driver in the running kernel, "nvme"; NULL when not known */
};

typedef UK_VEC(struct uk_boot_device) uk_boot_devices;
void uk_boot_devices_deinit(uk_boot_devices *devices);

/*
 * The folder of a device in sysfs, by a link to it; of a disk that several controllers lead to
 * (NVMe's multipath) one below the first of them. NULL if there is none; free it.
 */
char *uk_device_folder(const char *link);

/* Network interfaces with hardware below them, and the disks of @disks. */
struct uk_error *uk_boot_devices_read(const struct uk_host_paths *paths, const dev_t *disks,
				      size_t nr, uk_boot_devices *ret) uk_must_check;

/*
 * What stands against a kexec of this machine, for a person; NULL when nothing does.
 * *signed_ret: it is possible with a signed image.
 */
const char *uk_kexec_obstacle(const struct uk_host_paths *paths, bool *signed_ret);

#endif

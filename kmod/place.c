// SPDX-License-Identifier: GPL-2.0-only
/* The modules that an update holds, and whether its addresses lie where they may. */

#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <asm/sections.h>
#include "compat.h"
#include "core.h"

static bool region_holds(const struct module *mod, enum upkeep_region_kind kind,
			 unsigned long start, unsigned long end)
{
	struct uk_region region = uk_module_region(mod, kind);

	return start >= region.base && end <= region.base + region.size;
}

static bool module_text(const struct module *mod, unsigned long start, unsigned long end)
{
	return region_holds(mod, UPKEEP_REGION_TEXT, start, end);
}

static bool module_rodata(const struct module *mod, unsigned long start, unsigned long end)
{
	return region_holds(mod, UPKEEP_REGION_RODATA, start, end) ||
	       region_holds(mod, UPKEEP_REGION_RO_AFTER_INIT, start, end);
}

static bool module_data(const struct module *mod, unsigned long start, unsigned long end)
{
	return region_holds(mod, UPKEEP_REGION_DATA, start, end);
}

bool uk_pin_holds(const struct uk_pin *pin, unsigned long start, unsigned long end)
{
	return pin->mod && (module_text(pin->mod, start, end) ||
			    module_rodata(pin->mod, start, end) ||
			    module_data(pin->mod, start, end));
}

bool uk_pin_text_holds(const struct uk_pin *pin, unsigned long addr)
{
	return pin->mod && module_text(pin->mod, addr, addr + 1);
}

/*
 * Takes a reference to a module that can serve. Preemption is off from the lookup until the
 * reference is held: a module's memory is freed only after a grace period (free_module()), so
 * it cannot go in between. A part must have been initialised; a target may be on its way in
 * (UPKEEP_WAIT).
 */
static struct module *pin_module(const struct uk_pin *pin)
{
	struct module *mod;

	preempt_disable();
	mod = find_module(pin->name);
	if (mod && pin->role == UPKEEP_PART && mod->state != MODULE_STATE_LIVE)
		mod = NULL;
	if (mod && !try_module_get(mod))
		mod = NULL;
	preempt_enable();
	return mod;
}

int uk_pins_get(struct uk_update *update, struct uk_report *report)
{
	unsigned int i;

	for (i = 0; i < update->nr_pins; i++) {
		struct module *mod = pin_module(&update->pins[i]);

		if (!mod) {
			uk_pins_put(update);
			return uk_refuse(report, UPKEEP_NO_MODULE, UPKEEP_AT_MODULES, i, -ENODEV);
		}
		WRITE_ONCE(update->pins[i].mod, mod);
	}
	return 0;
}

void uk_pins_put(struct uk_update *update)
{
	unsigned int i;

	for (i = 0; i < update->nr_pins; i++) {
		struct module *mod = update->pins[i].mod;

		WRITE_ONCE(update->pins[i].mod, NULL);
		module_put(mod);
	}
}

static const struct uk_pin *find_pin(const struct uk_update *update, unsigned long start,
				     unsigned long end)
{
	unsigned int i;

	for (i = 0; i < update->nr_pins; i++)
		if (uk_pin_holds(&update->pins[i], start, end))
			return &update->pins[i];
	return NULL;
}

static bool inside(unsigned long start, unsigned long end, const char *from, const char *to)
{
	return start >= (unsigned long)from && end <= (unsigned long)to;
}

static unsigned long pointer_in(const u8 *bytes)
{
	unsigned long value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/*
 * All that is written to data which the kernel itself writes: a pointer to code, where there
 * was one to other code or none.
 */
static bool is_code_pointer(const struct uk_write *write)
{
	unsigned long old;

	if (write->len != sizeof(old) || !IS_ALIGNED(write->addr, sizeof(old)))
		return false;
	old = pointer_in(write->old);
	return (!old || kernel_text_address(old)) && kernel_text_address(pointer_in(write->new));
}

static bool check_module(const struct module *mod, const struct uk_write *write)
{
	unsigned long start = write->addr, end = start + write->len;

	if (write->kind == UPKEEP_TEXT)
		return module_text(mod, start, end);
	return module_rodata(mod, start, end) ||
	       (module_data(mod, start, end) && is_code_pointer(write));
}

static bool check_vmlinux(const struct uk_write *write)
{
	unsigned long start = write->addr, end = start + write->len;

	if (write->kind == UPKEEP_TEXT)
		return inside(start, end, _stext, _etext);
	return inside(start, end, __start_rodata, __end_rodata) ||
	       (inside(start, end, _sdata, _edata) && is_code_pointer(write));
}

static bool check_write(const struct uk_update *update, struct uk_write *write)
{
	write->pin = find_pin(update, write->addr, write->addr + write->len);
	return write->pin ? check_module(write->pin->mod, write) : check_vmlinux(write);
}

static bool check_range(const struct uk_update *update, const struct upkeep_range *range)
{
	const struct uk_pin *pin = find_pin(update, range->start, range->end);

	return pin ? module_text(pin->mod, range->start, range->end) :
		     inside(range->start, range->end, _stext, _etext);
}

/* With the modules held: every address lies in vmlinux or in one of them, where it may. */
int uk_places_check(struct uk_update *update, struct uk_report *report)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++)
		if (!check_write(update, &update->writes[i]))
			return uk_refuse(report, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, i, -ENXIO);
	for (i = 0; i < update->nr_ranges; i++)
		if (!check_range(update, &update->ranges[i]))
			return uk_refuse(report, UPKEEP_BAD_ADDRESS, UPKEEP_AT_RANGES, i, -ENXIO);
	return 0;
}

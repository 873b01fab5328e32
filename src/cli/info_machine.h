/*
 * info_machine.h - `ringwalk info machine` and `ringwalk info topology`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_INFO_MACHINE_H
#define RW_CLI_INFO_MACHINE_H

void print_machine(void);
/* The parts that --pin.at takes, with their CPUs. Returns an exit code. */
int print_topology(void);

#endif

/*
 * steer_program.c - the programs that choose a socket of a port: SO_ATTACH_REUSEPORT_CBPF, _EBPF.
 *
 * Both say the number of the socket, in the order in which they began to listen; a number that is
 * none lets the kernel choose by hash, as without a program. The classic program needs no rights.
 * The extended one is loaded by bpf(2) itself: a few instructions need no library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tunables/steer.h"

#define NOBODY	     UINT32_MAX /* no socket has this number */
#define LENGTH(port) (3 * (size_t)(port)->count + 4)

static int attach_classic(int fd, struct sock_filter *code, unsigned len)
{
	const struct sock_fprog program = { .len = (unsigned short)len, .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program))
		       ? -errno
		       : 0;
}

static int attach_classic_random(const struct socket_port *port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, port->count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	return attach_classic(port->fds[0], code, 3);
}

/* If it is the CPU of worker 0, then 0; of worker 1, then 1 ... */
static int attach_classic_cpu(const struct socket_port *port)
{
	struct sock_filter *code = calloc(LENGTH(port), sizeof(*code));
	unsigned len = 0;
	int rc;

	if (!code)
		return -ENOMEM;
	code[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   (uint32_t)(SKF_AD_OFF + SKF_AD_CPU));
	for (unsigned i = 0; i < port->count; i++) {
		code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   (uint32_t)steer_cpu(port, i), 0, 1);
		code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i);
	}
	code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, NOBODY);
	rc = attach_classic(port->fds[0], code, len);
	free(code);
	return rc;
}

static int load(const struct bpf_insn *code, unsigned len)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = len;
	attr.license = (uintptr_t) "Apache-2.0";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static int attach_extended(int fd, const struct bpf_insn *code, unsigned len)
{
	int program = load(code, len), rc;

	if (program < 0)
		return program;
	rc = setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof(program))
		     ? -errno
		     : 0;
	close(program);
	return rc;
}

static struct bpf_insn call(int helper)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = helper };
}

static struct bpf_insn answer(int32_t value)
{
	return (struct bpf_insn){ .code = BPF_ALU | BPF_MOV | BPF_K, .imm = value };
}

static const struct bpf_insn leave = { .code = BPF_JMP | BPF_EXIT };

static int attach_extended_random(const struct socket_port *port)
{
	const struct bpf_insn code[] = {
		call(BPF_FUNC_get_prandom_u32),
		{ .code = BPF_ALU | BPF_MOD | BPF_K, .imm = (int32_t)port->count },
		leave,
	};

	return attach_extended(port->fds[0], code, 3);
}

static int attach_extended_cpu(const struct socket_port *port)
{
	struct bpf_insn *code = calloc(LENGTH(port), sizeof(*code));
	unsigned len = 0;
	int rc;

	if (!code)
		return -ENOMEM;
	code[len++] = call(BPF_FUNC_get_smp_processor_id);
	for (unsigned i = 0; i < port->count; i++) {
		code[len++] = (struct bpf_insn){ .code = BPF_JMP | BPF_JNE | BPF_K,
						 .off = 2,
						 .imm = steer_cpu(port, i) };
		code[len++] = answer((int32_t)i);
		code[len++] = leave;
	}
	code[len++] = answer((int32_t)NOBODY);
	code[len++] = leave;
	rc = attach_extended(port->fds[0], code, len);
	free(code);
	return rc;
}

int steer_attach(const struct socket_port *port, const struct steer_opts *opts)
{
	if (opts->by == STEER_RANDOM)
		return opts->program == STEER_CLASSIC ? attach_classic_random(port)
						      : attach_extended_random(port);
	return opts->program == STEER_CLASSIC ? attach_classic_cpu(port)
					      : attach_extended_cpu(port);
}

int steer_detach(int fd)
{
	const int unused = 0;

	if (!setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused)))
		return 0;
	/* There is none; or, of MPTCP, there cannot be one. */
	return errno == ENOENT || errno == EOPNOTSUPP ? 0 : -errno;
}

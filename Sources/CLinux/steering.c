// Which socket of a group that shares an address gets a datagram (SO_REUSEPORT), decided by a small program in the
// kernel (SO_ATTACH_REUSEPORT_CBPF, socket(7)). The group has two sockets for each worker, those for data first: the
// client's address and port choose the worker, the datagram itself says which of the two.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "include/clinux.h"

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

enum {
    PROGRAM_MAX = 64,
    /// Type of a Send indication, which carries data (RFC 8656 §18.1).
    SEND_INDICATION = 0x0016,
    /// What begins with this or more is no STUN message (RFC 7983 §7).
    BEHIND_STUN = 0x0400,
};

/// Spreads what differs in few bits: 2^32 over the golden ratio.
static const uint32_t SPREADER = 0x9E3779B1;

struct program {
    struct sock_filter code[PROGRAM_MAX];
    uint16_t count;
};

static void add_jump(struct program *program, uint16_t code, uint32_t operand, uint8_t if_true, uint8_t if_false) {
    if (program->count == PROGRAM_MAX) abort();  // the programs below are shorter
    program->code[program->count++] = (struct sock_filter){.code = code, .k = operand, .jt = if_true, .jf = if_false};
}

static void add(struct program *program, uint16_t code, uint32_t operand) { add_jump(program, code, operand, 0, 0); }

/// M[0] = the source address, made a secret number of by multiplying; A = the source port. Offsets count from the IP
/// header. Without a secret a stranger with many addresses could send all that it has to one worker.
static void load_source(struct program *program, bool v6, uint32_t secret) {
    const uint32_t ip = (uint32_t)SKF_NET_OFF;
    add(program, BPF_LD | BPF_W | BPF_ABS, ip + (v6 ? 8 : 12));
    add(program, BPF_ALU | BPF_MUL | BPF_K, secret | 1);
    add(program, BPF_ST, 0);
    for (uint32_t word = 1; v6 && word < 4; word += 1) {
        add(program, BPF_LD | BPF_W | BPF_ABS, ip + 8 + 4 * word);
        add(program, BPF_LDX | BPF_MEM, 0);
        add(program, BPF_ALU | BPF_XOR | BPF_X, 0);
        add(program, BPF_ALU | BPF_MUL | BPF_K, secret | 1);
        add(program, BPF_ST, 0);
    }
    if (v6) {
        // Behind an extension header this is not the port, but the same for all datagrams of a flow that has one.
        add(program, BPF_LD | BPF_H | BPF_ABS, ip + 40);
    } else {
        add(program, BPF_LDX | BPF_B | BPF_MSH, ip);
        add(program, BPF_LD | BPF_H | BPF_IND, ip);
    }
}

int32_t tern_udp_steer(int32_t fd, uint32_t workers, bool v6, uint32_t secret) {
    struct program program = {.count = 0};
    load_source(&program, v6, secret);
    add(&program, BPF_LDX | BPF_MEM, 0);
    add(&program, BPF_ALU | BPF_XOR | BPF_X, 0);
    add(&program, BPF_ALU | BPF_MUL | BPF_K, SPREADER);
    add(&program, BPF_ALU | BPF_RSH | BPF_K, 12);
    add(&program, BPF_ALU | BPF_MOD | BPF_K, workers);
    add(&program, BPF_ST, 0);
    // From here on offsets count from the payload. Less than two bytes are no request.
    add(&program, BPF_LD | BPF_W | BPF_LEN, 0);
    add_jump(&program, BPF_JMP | BPF_JGE | BPF_K, 2, 0, 5);
    add(&program, BPF_LD | BPF_H | BPF_ABS, 0);
    add_jump(&program, BPF_JMP | BPF_JGE | BPF_K, BEHIND_STUN, 3, 0);
    add_jump(&program, BPF_JMP | BPF_JEQ | BPF_K, SEND_INDICATION, 2, 0);
    add(&program, BPF_LD | BPF_MEM, 0);
    add_jump(&program, BPF_JMP | BPF_JA, 2, 0, 0);
    add(&program, BPF_LD | BPF_MEM, 0);
    add(&program, BPF_RET | BPF_A, 0);
    add(&program, BPF_ALU | BPF_ADD | BPF_K, workers);
    add(&program, BPF_RET | BPF_A, 0);
    struct sock_fprog filter = {.len = program.count, .filter = program.code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0 ? 0 : -errno;
}

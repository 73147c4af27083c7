// The floor: a forwarder that does for a relayed datagram what any TURN server in user space must do, and as little
// else as possible. It looks the client up, strips or adds the header, checks the peer; no authentication, timers,
// quotas or logs; one thread. Its engines differ in how they ask the kernel:
//
//     floor PORT                   one receive and one send a datagram                               (plain.c)
//     floor --connect PORT         the same; each relay socket is connected to its peer
//     floor --gso PORT             recvmmsg; what a batch has for one flow leaves in runs, by UDP_SEGMENT  (batched.c)
//     floor --gro PORT             the same, and runs that arrive together are received together by UDP_GRO
//     floor --stream PORT          --connect, and clients come by TCP                                (stream.c)
//     … --gather-us N              sleeps before it waits again when the last round brought few datagrams
//     … --indications              speaks Data indications to clients instead of ChannelData
//
// A client opens a flow by one datagram, 0xF1 0x00, the peer's IPv4 address and port, and is answered by the relay's
// address and port. From then on its channel is 0x4000, and Send indications for this peer are understood too. Binding
// requests are answered. On a connection the same is a frame of channel 0x4F00, and so is the answer.
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    BUCKETS = 1 << 16,
    /// A socket each, and many systems allow a process 20,000.
    FLOWS_MAX = 19000,
    /// Fewer datagrams in a round are worth waiting for more.
    FEW = 64,
};

struct options options;
struct flow flows[FLOWS_MAX];
int listener;
static uint32_t flow_count;
static uint32_t buckets[BUCKETS];  // one more than the flow's index
static int poller;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint32_t bucket_of(const struct sockaddr_in *name) {
    uint64_t key = (uint64_t)name->sin_addr.s_addr << 16 | name->sin_port;
    return (uint32_t)(key * 0x9E3779B97F4A7C15 >> 48);
}

struct flow *find_flow(const struct sockaddr_in *client) {
    for (uint32_t i = buckets[bucket_of(client)]; i != 0; i = flows[i - 1].next) {
        struct flow *flow = &flows[i - 1];
        if (flow->client.sin_port == client->sin_port && flow->client.sin_addr.s_addr == client->sin_addr.s_addr)
            return flow;
    }
    return NULL;
}

static int open_socket(uint16_t port) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int bytes = 4 << 20, yes = 1;
    if (fd < 0) die("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (options.has_gro && setsockopt(fd, SOL_UDP, UDP_GRO, &yes, sizeof yes) != 0) die("UDP_GRO");
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0) die("bind");
    return fd;
}

void watch(int fd, uint32_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = token};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void reply(const void *bytes, size_t count, const struct sockaddr_in *client) {
    (void)sendto(listener, bytes, count, MSG_DONTWAIT, (const struct sockaddr *)client, sizeof *client);
}

struct flow *add_flow(void) {
    if (flow_count == FLOWS_MAX) return NULL;
    struct flow *flow = &flows[flow_count];
    flow->relay = open_socket(0);
    watch(flow->relay, flow_count++);
    return flow;
}

void aim(struct flow *flow, const uint8_t *bytes, uint8_t response[6]) {
    flow->peer = (struct sockaddr_in){.sin_family = AF_INET};
    memcpy(&flow->peer.sin_addr, bytes, 4);
    memcpy(&flow->peer.sin_port, bytes + 4, 2);
    if (options.is_connected && connect(flow->relay, (struct sockaddr *)&flow->peer, sizeof flow->peer) != 0)
        die("connect");
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (getsockname(flow->relay, (struct sockaddr *)&name, &length) != 0) die("getsockname");
    memcpy(response, &name.sin_addr, 4);
    memcpy(response + 4, &name.sin_port, 2);
}

static void open_flow(const uint8_t *bytes, const struct sockaddr_in *client) {
    struct flow *flow = find_flow(client);
    if (flow == NULL) {
        flow = add_flow();
        if (flow == NULL) return;
        flow->client = *client;
        flow->next = buckets[bucket_of(client)];
        buckets[bucket_of(client)] = flow_count;
    }
    uint8_t response[6];
    aim(flow, bytes + 2, response);
    reply(response, sizeof response, client);
}

/// The value of XOR-MAPPED-ADDRESS and XOR-PEER-ADDRESS (RFC 8489 §14.2).
static void write_xor_address(const struct sockaddr_in *name, uint8_t *value) {
    uint16_t port = name->sin_port ^ htons(0x2112);
    uint32_t address = name->sin_addr.s_addr ^ htonl(0x2112A442);
    value[0] = 0;
    value[1] = 1;
    memcpy(value + 2, &port, 2);
    memcpy(value + 4, &address, 4);
}

static void answer_binding(const uint8_t *request, const struct sockaddr_in *client) {
    uint8_t response[32] = {0x01, 0x01, 0x00, 0x0C};
    memcpy(response + 4, request + 4, 16);
    response[21] = 0x20;
    response[23] = 8;
    write_xor_address(client, response + 24);
    reply(response, sizeof response, client);
}

void answer(const uint8_t *bytes, size_t count, const struct sockaddr_in *client) {
    if (count == 8 && bytes[0] == 0xF1) open_flow(bytes, client);
    else if (count >= 20 && bytes[0] == 0x00 && bytes[1] == 0x01) answer_binding(bytes, client);
}

static size_t length_at(const uint8_t *bytes) { return (size_t)bytes[0] << 8 | bytes[1]; }

const uint8_t *unframed(const struct flow *flow, const uint8_t *bytes, size_t count, size_t *length) {
    if (bytes[0] == 0x40) {
        if (bytes[1] != 0x00 || (*length = length_at(bytes + 2)) + 4 > count) return NULL;
        return bytes + 4;
    }
    // A Send indication in the one order that the generator writes: XOR-PEER-ADDRESS, DATA.
    static const uint8_t address_head[4] = {0x00, 0x12, 0x00, 0x08};
    uint8_t address[8];
    if (count < HEADER_MAX || memcmp(bytes + 20, address_head, 4) != 0 || length_at(bytes + 32) != 0x0013) return NULL;
    write_xor_address(&flow->peer, address);
    if (memcmp(bytes + 24, address, 8) != 0 || (*length = length_at(bytes + 34)) + HEADER_MAX > count) return NULL;
    return bytes + HEADER_MAX;
}

size_t write_header(const struct flow *flow, size_t length, uint8_t *header) {
    if (!options.speaks_indications) {
        uint8_t channel_data[4] = {0x40, 0x00, (uint8_t)(length >> 8), (uint8_t)length};
        memcpy(header, channel_data, 4);
        return 4;
    }
    // Nobody answers an indication, so that any transaction identifier will do.
    static const uint8_t data_indication[HEADER_MAX] = {
        0x00, 0x17, 0, 0, 0x21, 0x12, 0xA4, 0x42, [20] = 0x00, 0x12, 0x00, 0x08, [32] = 0x00, 0x13};
    size_t attributes = 16 + length + padding_of(length);
    memcpy(header, data_indication, HEADER_MAX);
    header[2] = (uint8_t)(attributes >> 8);
    header[3] = (uint8_t)attributes;
    write_xor_address(&flow->peer, header + 24);
    header[34] = (uint8_t)(length >> 8);
    header[35] = (uint8_t)length;
    return HEADER_MAX;
}

/// The port, or 0 when the command line makes no sense.
static int parse(int argc, char **argv) {
    static const struct option known[] = {
        {"connect", no_argument, NULL, 'c'},          {"gso", no_argument, NULL, 's'},
        {"gro", no_argument, NULL, 'r'},              {"gather-us", required_argument, NULL, 'g'},
        {"indications", no_argument, NULL, 'i'},      {"stream", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (letter) {
        case 'r': options.has_gro = true;  // fall through
        case 's': options.has_gso = true;  // fall through
        case 'c': options.is_connected = true; break;
        case 'g': options.gather_microseconds = atol(optarg); break;
        case 't': options.has_streams = options.is_connected = true; break;
        case 'i': options.speaks_indications = true; break;
        default: return 0;
        }
    }
    if (options.gather_microseconds < 0 || options.gather_microseconds > 999999) return 0;
    int port = optind + 1 == argc ? atoi(argv[optind]) : 0;
    return port > 0 && port <= 65535 ? port : 0;
}

static void listen_for_streams(uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    stream_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream_listener < 0) die("socket");
    (void)setsockopt(stream_listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(stream_listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(stream_listener, 1024) != 0)
        die("listen");
    watch(stream_listener, STREAM_LISTENER);
}

static int drain(uint32_t token) {
    if (!options.has_streams) return options.has_gso ? drain_batched(token) : drain_plain(token);
    if (token == LISTENER) return drain_plain(token);
    if (token == STREAM_LISTENER) {
        accept_streams();
        return 0;
    }
    return token & STREAM ? drain_stream(&flows[token & ~STREAM]) : drain_to_stream(&flows[token]);
}

int main(int argc, char **argv) {
    int port = parse(argc, argv);
    if (port == 0) {
        fprintf(stderr, "usage: floor [--connect | --gso | --gro | --stream] [--gather-us N] [--indications] PORT\n");
        return 2;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    // The kernel would add 50 µs to every sleep.
    (void)prctl(PR_SET_TIMERSLACK, 1);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    listener = open_socket((uint16_t)port);
    watch(listener, LISTENER);
    if (options.has_streams) listen_for_streams((uint16_t)port);
    struct timespec gather = {.tv_nsec = options.gather_microseconds * 1000};
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1), handled = 0;
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i += 1) {
            uint32_t token = events[i].data.u32;
            handled += drain(token);
        }
        if (gather.tv_nsec > 0 && handled > 0 && handled < FEW) nanosleep(&gather, NULL);
    }
}

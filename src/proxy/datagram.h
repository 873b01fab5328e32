/*
 * datagram.h - the proxy over UDP: peers instead of connections, datagrams instead of pieces.
 *
 * Each address that sends to a door is a flow: it has a socket of its own to the server, so that
 * answers find their way back, and its own lines, rates and draws. A flow of which nothing is heard
 * for --idle is forgotten; when there are too many, the one that was silent longest is.
 *
 * A line that is full loses datagrams: nobody can be held up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_DATAGRAM_H
#define RW_PROXY_DATAGRAM_H

#include <stdbool.h>

struct datagrams;
struct relay;

int datagrams_create(struct datagrams **ret, struct relay *r);
void datagrams_open_door(struct datagrams *g, int fd);
/* Flows close; they are open until the backend says so. */
void datagrams_close(struct datagrams *g);
bool datagrams_are_open(const struct datagrams *g);
/* When the backend is closed. NULL is fine. */
void datagrams_destroy(struct datagrams *g);

#endif

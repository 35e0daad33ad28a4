/* Messages as numbered values, so that a test can compare or change one value
 * of any message. Each packet is converted to the struct of its message, and
 * back. */
#ifndef SALLYPORT_TESTS_SUPPORT_PACKET_H
#define SALLYPORT_TESTS_SUPPORT_PACKET_H

#include "sallyport/ipc/channel.h"

#define PACKET_VALUES 8
#define PACKET_FDS    3

struct value {
    uint64_t number;
    struct slice text;
    struct address address;
};

#define NUMBER(n)                                                              \
    {                                                                          \
        .number = (uint64_t)(n)                                                \
    }
#define TEXT(s)                                                                \
    {                                                                          \
        .text = (s)                                                            \
    }
#define ADDRESS(a)                                                             \
    {                                                                          \
        .address = (a)                                                         \
    }

/* The values in the order of the list; the descriptors are separate. */
struct packet {
    enum message_kind message;
    uint32_t request;
    struct value value[PACKET_VALUES];
    int fd[PACKET_FDS];
};

/* They work as the functions of sallyport/ipc/channel.h. */
int packet_send(struct channel *c, const struct packet *p);
int packet_receive(struct channel *c, struct packet *p);
int packet_wait(struct channel *c, struct packet *p, int ms);
void packet_close(struct packet *p);
/* Converts a packet to its message; its kind must be in the list. */
void packet_to_message(const struct packet *p, struct message *ret);

#endif

/* Makes channels for tests, and sends and receives messages. Each wait has a
 * deadline. */
#ifndef SALLYPORT_TESTS_SUPPORT_MESSAGES_H
#define SALLYPORT_TESTS_SUPPORT_MESSAGES_H

#include <criterion/criterion.h>
#include <string.h>

#include "sallyport/ipc/channel.h"

/* Sends a message as SEND() does, but each missing field is 0, even a
 * descriptor. Returns 0 or -errno. */
#define SAY(channel, name, ...)                                                \
    channel_send(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })
/* Sends a message as SAY() does; it must succeed. */
#define TELL(channel, name, ...)                                               \
    do {                                                                       \
        int tell_result = SAY(channel, name, __VA_ARGS__);                     \
                                                                               \
        cr_assert_eq(tell_result, 0, "%s: %s", #name,                          \
                     strerrordesc_np(-tell_result));                           \
    } while (0)

/* Receives the next message, which must be KIND. */
void message_hear(struct channel *c, enum message_kind kind, struct message *m);
/* Waits until the peer closes its end, which it must do without another
 * message. Closes this end. */
void message_hear_end(struct channel *c);

/* Checks R and *M, which channel_wait() or channel_receive() has returned: the
 * message must be KIND. */
void message_check(const struct channel *c, int r, enum message_kind kind,
                   const struct message *m);

/* Makes a channel between two processes. C is SELF's end; returns PEER's end,
 * which the caller closes. */
int channel_make(struct channel *c, enum process self, enum process peer,
                 unsigned phase);
/* Makes a channel with both ends in this process: A is SELF's end, B is PEER's.
 * Both are in PHASE. */
void channel_make_both(struct channel *a, enum process self, struct channel *b,
                       enum process peer, unsigned phase);
/* Makes a pair of sockets. Returns one end; *FAR gets the other. */
int channel_ends(int *far);
/* Closes the end *FAR. The peer notices it even if another process has a copy
 * of the descriptor. */
void channel_cut(int *far);
/* Faults that a sender can meet: the peer has closed its end, or doesn't
 * read. */
enum fault { CLOSED, FULL, FAULTS };
/* Makes each later message from NEAR to FAR fail with this fault. */
void channel_spoil(int near, int *far, enum fault fault);

/* Returns the number of descriptors that this process has, plus 3. */
size_t open_descriptors(void);
#endif

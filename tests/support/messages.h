/* Channels in tests, and the messages that go through them. Each wait has a
 * deadline. */
#ifndef SALLYPORT_TESTS_SUPPORT_MESSAGES_H
#define SALLYPORT_TESTS_SUPPORT_MESSAGES_H

#include <criterion/criterion.h>
#include <string.h>

#include "sallyport/ipc/channel.h"

/* Sends a message as SEND(), but a missing field is 0, also a descriptor.
 * Returns 0 or -errno. */
#define SAY(channel, name, ...)                                                \
    channel_send(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })
/* Does the same; the message must be accepted. */
#define TELL(channel, name, ...)                                               \
    do {                                                                       \
        int tell_result = SAY(channel, name, __VA_ARGS__);                     \
                                                                               \
        cr_assert_eq(tell_result, 0, "%s: %s", #name,                          \
                     strerrordesc_np(-tell_result));                           \
    } while (0)

/* Receives the next message, which must be KIND. */
void message_hear(struct channel *c, enum message_kind kind, struct message *m);
/* The peer must close its end, without another message. Closes this end. */
void message_hear_end(struct channel *c);

/* The same for what channel_wait() or channel_receive() has returned. */
void message_check(const struct channel *c, int r, enum message_kind kind,
                   const struct message *m);

/* Makes a channel between two processes. C is SELF's end; returns PEER's end,
 * which the caller closes. */
int channel_make(struct channel *c, enum process self, enum process peer,
                 unsigned phase);
/* Makes both ends, in the same phase. */
void channel_make_both(struct channel *a, enum process self, struct channel *b,
                       enum process peer, unsigned phase);
/* Makes a pair of sockets. Returns one end; *FAR gets the other. */
int channel_ends(int *far);
/* Closes that end, also if another process has a copy. */
void channel_cut(int *far);
/* The state of a channel as a sender sees it. */
enum fault { CLOSED, FULL, FAULTS };
/* From now on each message from NEAR to FAR fails like that. */
void channel_spoil(int near, int *far, enum fault fault);

/* Returns how many descriptors this process has. */
size_t open_descriptors(void);
#endif

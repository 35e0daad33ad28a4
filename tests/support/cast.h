/* The processes that a test plays. A played process is its end of a channel: it
 * says and expects messages by their names in sallyport/ipc/list.h. Each wait
 * has a deadline, and a failure names what came instead. */
#ifndef SALLYPORT_TESTS_SUPPORT_CAST_H
#define SALLYPORT_TESTS_SUPPORT_CAST_H

#include <criterion/criterion.h>
#include <string.h>

#include "sallyport/ipc/channel.h"

/* The last message that a played process has received. The next one closes the
 * descriptors that the test hasn't taken by fd_take(). */
extern struct message heard;

/* SAY(&auth, verdict, .serial = 1): sends a message, which the list must
 * permit. Its request comes before the fields. Each missing field is 0, even a
 * descriptor. */
#define SAY(channel, name, ...)                                                \
    cast_say(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })
/* Answers `heard`. */
#define SAY_BACK(channel, name, ...)                                           \
    SAY(channel, name, .request = heard.request __VA_OPT__(, ) __VA_ARGS__)
/* EXPECT(&gate, limits)->account: receives the next message, which must be of
 * this kind. If it answers a request, this must be the last one. Skips what
 * comes by the way: `open` and `reaped` to gate, `keep`, `working`,
 * `files_opens` and `files_opened`. */
#define EXPECT(channel, name) cast_expect_##name(channel)
/* SERVE(&files, space, space_is, .bytes = 9): expects a request, and answers
 * it. */
#define SERVE(channel, request, answer, ...)                                   \
    (EXPECT(channel, request),                                                 \
     SAY_BACK(channel, answer __VA_OPT__(, ) __VA_ARGS__))
/* Sends a request, and doesn't wait. */
#define REQUEST(channel, name, ...)                                            \
    SAY(channel, name,                                                         \
        .request = channel_next(channel) __VA_OPT__(, ) __VA_ARGS__)
/* Does the same as SAY(), but can fail. Returns 0 or -errno. */
#define TRY(channel, name, ...)                                                \
    channel_send(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })

/* Does the same as SAY() and EXPECT(), for a kind that a table has. */
void cast_say(struct channel *c, enum message_kind kind, const void *body);
struct message *cast_expect(struct channel *c, enum message_kind kind);
#define MESSAGE(name, ...)                                                     \
    static inline struct msg_##name *cast_expect_##name(struct channel *c)     \
    {                                                                          \
        return &cast_expect(c, MSG_##name)->name;                              \
    }
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
/* Receives the next message of any kind, but not what comes by the way. Returns
 * its kind; MSG_NONE: the peer has closed the channel, or nothing came. */
enum message_kind cast_hear(struct channel *c);
/* Expects that no message comes within MS milliseconds. */
void cast_hear_nothing(struct channel *c, int ms);
/* Waits until the peer closes its end, without another message. Closes this
 * end. */
void cast_hear_end(struct channel *c);
/* Waits until the peer closes its end. Skips the messages before that. */
void cast_skip_to_end(struct channel *c);
/* In a fork of the test: from now on a failure ends the process with status
 * 98. */
void cast_in_fork(void);
/* Checks R and *M, which channel_wait() or channel_receive() has returned: the
 * message must be KIND. */
void cast_check(const struct channel *c, int r, enum message_kind kind,
                const struct message *m);

/* Send and receive bytes with N descriptors, at most RAW_FDS, and no check.
 * Return the results of sendmsg(2) and recvmsg(2). */
#define RAW_FDS 14
ssize_t raw_send(int to, const void *bytes, size_t len, const int *fd,
                 size_t n);
ssize_t raw_receive(int from, void *bytes, size_t size, int *fd, size_t *n);
/* Sends what no channel would send. */
void cast_shout(struct channel *c, const void *bytes, size_t len, const int *fd,
                size_t n);

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

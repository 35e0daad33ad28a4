/* A fake server on the control socket of world, which sends what the test
 * wants. */
#ifndef TEST_CTL_FAKE_SERVER_H
#define TEST_CTL_FAKE_SERVER_H

#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"
#include "support/lie.h"

/* Plays one connection, which is closed afterwards. It runs in a process of its
 * own, so it can't assert anything. */
typedef void fake_play(struct channel *c);

/* Listens, and plays each connection with PLAY, until fake_end(). */
void fake_begin(fake_play *play);
void fake_end(void);

/* Sends WELCOME, for plays. */
void fake_welcome(struct channel *c);
/* Receives the next request. Returns false if there is none. */
bool fake_hears(struct channel *c, struct message *m);
/* Answers a request that was received. A missing field is 0, and any value is
 * possible. */
#define FAKE_SAYS(channel, heard, name, ...)                                   \
    lie_send(channel, MSG_##name,                                              \
             &(const struct msg_##name){ .request = (heard)->request,          \
                                         ##__VA_ARGS__ })
/* Sends WELCOME, takes PARTIALS, and passes a pair on; *FILES gets files' end.
 * Returns true once PARTIALS_FIND has come over it, as *FIND. */
bool fake_hands_on(struct channel *c, struct channel *files,
                   struct message *find);

#endif

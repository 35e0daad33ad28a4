/* A server that says what the test wants, on the control socket of world. */
#ifndef TEST_CTL_FAKE_SERVER_H
#define TEST_CTL_FAKE_SERVER_H

#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"
#include "support/lie.h"

/* Plays one connection; it is closed afterwards. Runs in a process of its own:
 * nothing can be asserted there. */
typedef void fake_play(struct channel *c);

/* Listens, and plays each connection with PLAY, until fake_end(). */
void fake_begin(fake_play *play);
void fake_end(void);

/* For plays: WELCOME. */
void fake_welcome(struct channel *c);
/* The next request; false: there is none. */
bool fake_hears(struct channel *c, struct message *m);
/* An answer to a request that was heard; a field that isn't named is 0, and no
 * value is too wild. */
#define FAKE_SAYS(channel, heard, name, ...)                                   \
    lie_send(channel, MSG_##name,                                              \
             &(const struct msg_##name){ .request = (heard)->request,          \
                                         ##__VA_ARGS__ })
/* Welcomes, takes PARTIALS, and hands a pair on; *FILES is files' end. True
 * once PARTIALS_FIND came over it, as *FIND. */
bool fake_hands_on(struct channel *c, struct channel *files,
                   struct message *find);

#endif

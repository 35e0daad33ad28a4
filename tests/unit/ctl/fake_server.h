/* A server that says what the test wants, on the control socket of world. */
#ifndef TEST_CTL_FAKE_SERVER_H
#define TEST_CTL_FAKE_SERVER_H

#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/outcome.h"

/* Plays one connection; it is closed afterwards. Runs in a process of its own:
 * nothing can be asserted there. */
typedef void fake_play(struct channel *c);

/* Listens, and plays each connection with PLAY, until fake_end(). */
void fake_begin(fake_play *play);
void fake_end(void);

/* For plays: WELCOME. */
void fake_welcome(struct channel *c);
/* The next request; false: there is none. */
bool fake_hears(struct channel *c, struct packet *p);
/* An answer to REQUEST. */
void fake_says(struct channel *c, const struct packet *request,
               struct packet answer);
/* Welcomes, takes PARTIALS, and hands a pair on; *FILES is files' end. True
 * once PARTIALS_FIND came over it, as *FIND. */
bool fake_hands_on(struct channel *c, struct channel *files,
                   struct packet *find);

#endif

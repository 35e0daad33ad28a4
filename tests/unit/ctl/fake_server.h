/* A fake server on the control socket of world, which sends what the test
 * wants. */
#ifndef TEST_CTL_FAKE_SERVER_H
#define TEST_CTL_FAKE_SERVER_H

#include "sallyport/domain/outcome.h"
#include "sallyport/files/files.h"
#include "sallyport/ipc/channel.h"
#include "support/lie.h"

/* Plays one connection, which is closed afterwards. It runs in a process of its
 * own, so it can't assert anything. */
typedef void fake_play(struct channel *c);

/* Listens, and plays each connection with PLAY, until fake_end(). */
void fake_begin(fake_play *play);
void fake_end(void);

/* Sends WELCOME, for plays: of a server of this version, or of 0.1.0. */
void fake_welcome(struct channel *c);
void fake_welcome_older(struct channel *c);
/* Receives the next request. Returns false if there is none. */
bool fake_hears(struct channel *c, struct message *m);
/* Answers a request that was received. A missing field is 0, and any value is
 * possible. */
#define FAKE_SAYS(channel, heard, name, ...)                                   \
    lie_send(channel, MSG_##name,                                              \
             &(const struct msg_##name){ .request = (heard)->request,          \
                                         ##__VA_ARGS__ })
/* Answers with a row of TABLE: names, each with its kind before it unless it is
 * a text (sallyport/ipc/shown.h), and with its value; and NULL. */
void fake_row(struct channel *c, const struct message *heard, const char *table,
              ...) __attribute__((sentinel));
/* Plays the process files that sallyportctl forks for a user: its start, up to
 * FILES_READY (false: it ends), and its work for FIND. */
typedef bool fake_enter(const struct files_start *start,
                        struct channel *master);
typedef void fake_find(struct channel *ctl, const struct message *find);
fake_enter fake_ready;
/* From now on each one does that; ENTER NULL: fake_ready(). */
void fake_files_are(fake_enter *enter, fake_find *find);

#endif

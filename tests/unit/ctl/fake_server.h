/* A fake server on the control socket of world, which sends the messages that
 * the test wants. */
#ifndef TEST_CTL_FAKE_SERVER_H
#define TEST_CTL_FAKE_SERVER_H

#include "sallyport/domain/outcome.h"
#include "sallyport/files/files.h"
#include "sallyport/ipc/channel.h"
#include "support/cast.h"
#include "support/lie.h"

/* Plays one connection, which is closed afterwards. The function runs in the
 * server's process, so it can't assert anything: it receives by cast_hear(). */
typedef void fake_play(struct channel *c);

/* Listens, and plays each connection with PLAY, until fake_end(). */
void fake_begin(fake_play *play);
void fake_end(void);

/* Send WELCOME, as a server of this version or of version 0.1.0. */
void fake_welcome(struct channel *c);
void fake_welcome_older(struct channel *c);
/* Answers `heard`. A missing field is 0, and a field can have any value. */
#define FAKE_SAYS(channel, name, ...)                                          \
    lie_send(                                                                  \
        channel, MSG_##name,                                                   \
        &(const struct msg_##name){ .request = heard.request, ##__VA_ARGS__ })
/* Answers with a row of TABLE. Its columns follow, each as a name and a value,
 * and NULL. A name begins with its kind (sallyport/ipc/shown.h), unless the
 * value is a text. */
void fake_row(struct channel *c, const char *table, ...)
    __attribute__((sentinel));
/* Play the process files that sallyportctl forks for a user. fake_enter plays
 * its start, up to READY, and returns false if the process ends then. fake_find
 * plays its answer to FIND, which is `heard`. */
typedef bool fake_enter(const struct files_start *start,
                        struct channel *master);
typedef void fake_find(struct channel *ctl);
fake_enter fake_ready;
/* Makes each later process files call ENTER, or fake_ready() if ENTER is NULL,
 * and then FIND. */
void fake_files_are(fake_enter *enter, fake_find *find);

#endif

/* What the pumps of transfers write to and read from: the data connection's
 * stream, with the transfer's conversions in front of it, if there are any. */
#ifndef SALLYPORT_SRC_SESSION_FLOW_H
#define SALLYPORT_SRC_SESSION_FLOW_H

#include "session.h"

/* What is to be done to the bytes of s->transfer, as TYPE and MODE are now. */
unsigned flow_conversions(const struct session *s);
/* A length or an offset of the file is one for the client, too: not where line
 * ends change. */
bool flow_keeps_lengths(const struct session *s);

/* When the data connection is there, for s->transfer.conversions. False: no
 * memory. */
bool flow_open(struct session *s);
void flow_close(struct session *s);

/* How many rounds of a pump make one turn of the loop, of ROUNDS where nothing
 * is converted: a byte to convert costs ten times as much and more. */
int flow_rounds(const struct session *s, int rounds);

/* As the functions of stream.h; *took, LEN and *got are bytes of the file. */
enum stream_state flow_write(struct session *s, const void *from, size_t len,
                             size_t *took);
enum stream_state flow_flush(struct session *s);
/* No more bytes: the end of what is converted, then close_notify. */
enum stream_state flow_finish(struct session *s);
/* As many bytes as are there now, and with STREAM_OK perhaps none. It is
 * STREAM_CLOSED only if both the connection and what was converted have ended
 * in order. */
enum stream_state flow_read(struct session *s, void *into, size_t len,
                            size_t *got);

/* Why what the client sent can't be converted; NULL if it isn't that. */
const char *flow_fault(const struct session *s);
/* Why the last call failed, whatever it was. */
const char *flow_cause(const struct session *s);

#endif

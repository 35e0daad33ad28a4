/* How a transfer reads and writes: through its conversions, if it has any, and
 * the stream of the data connection. */
#ifndef SALLYPORT_SRC_SESSION_FLOW_H
#define SALLYPORT_SRC_SESSION_FLOW_H

#include "session.h"

/* The conversions for s->transfer, as TYPE and MODE are now. */
unsigned flow_conversions(const struct session *s);
/* A length or an offset of the file is the same for the client. False in TYPE
 * A, where line ends change. */
bool flow_keeps_lengths(const struct session *s);

/* The data connection is here: sets up s->transfer.conversions. False: no
 * memory. */
bool flow_open(struct session *s);
void flow_close(struct session *s);

/* How many blocks make one turn of the loop, if without conversions ROUNDS do:
 * converting a byte costs ten times as much or more. */
int flow_rounds(const struct session *s, int rounds);

/* As the functions of stream.h; *took, LEN and *got count bytes of the file. */
enum stream_state flow_write(struct session *s, const void *from, size_t len,
                             size_t *took);
enum stream_state flow_flush(struct session *s);
/* No more bytes: sends the end of what is converted, then close_notify. */
enum stream_state flow_finish(struct session *s);
/* As many bytes as are there now, perhaps none with STREAM_OK. STREAM_CLOSED
 * only if both the connection and the conversions have ended in order. */
enum stream_state flow_read(struct session *s, void *into, size_t len,
                            size_t *got);

/* Why the client's bytes can't be converted; NULL: they can. */
const char *flow_fault(const struct session *s);
/* Why the last call failed, whatever it was. */
const char *flow_cause(const struct session *s);

#endif

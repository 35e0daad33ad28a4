/* The data connection of a session, from PASV to its end. */
#ifndef SALLYPORT_SRC_SESSION_DATA_H
#define SALLYPORT_SRC_SESSION_DATA_H

#include "session.h"

void data_init(struct session *s);
/* Executes PASV or EPSV: replies with the port of the session's listener, or
 * asks gate for a listener and replies later. First closes an earlier data
 * connection, or stops the wait for it. */
void data_port_passive(struct session *s, enum verb verb);
/* The handler of `port_is`: takes the listener from gate, and replies to the
 * PASV or EPSV that waits for it. */
int data_port_on_port_is(void *owner, struct msg_port_is *m);
/* Keeps the listener for the next EPSV or PASV; if none comes within 10 s, the
 * session closes the listener. */
void data_port_idle(struct session *s);

/* May another connection to the listener be the client's, since the present one
 * hasn't proved that it is the user's? Somebody else can have the client's
 * address. Such connections wait in the kernel. */
bool data_port_contested(const struct session *s);
/* Takes the next connection in place of the present one, which ends or, with
 * KEEP, waits for its next turn: it can be the client's, with a slow handshake.
 * Returns false if none waits. */
bool data_port_next(struct session *s, bool keep);
/* Ends the connections that wait for their next turn. */
void data_drop_slow(struct session *s);

/* Takes GATE, the session's end of the channel to gate. */
void data_gate_start(struct session *s, int gate);
/* The handler of `gate`, by which master sends the channel to a new gate. */
int data_gate_on_gate(void *owner, struct msg_gate *m);
void data_gate_ask_port(struct session *s);
/* Stops the wait for the data connection, or ends the connection with a FIN
 * (linger_begin()), without close_notify and without a reset. */
void data_close(struct session *s);
/* Stops the wait for the data connection, or ends the connection, and sets the
 * state NEXT. linger_begin() closes a client's socket. */
void data_release(struct session *s, enum data_state next);
/* Sends close_notify and FIN, since the client waits for them. Call
 * data_close() later, while files works: by then the client has usually closed
 * its own end, too. */
void data_finish(struct session *s);
/* Takes FD as the data connection. Returns false for lack of memory; FD is then
 * closed. */
bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events);
/* Call it after each transfer. A data connection that is still open belongs to
 * a refused transfer. It stays until the client closes it or sends a command,
 * at most 5 s: if it ended together with the reply, clients would blame the
 * port. A port to which nobody has connected stays for the next transfer. */
void data_after_transfer(struct session *s);
/* Takes R, the result of channel_send() to gate. If gate doesn't read, ends the
 * session. */
void data_gate_sent(struct session *s, int r);

#endif

/* The data connection: from PASV to the last byte's acknowledgement. */
#ifndef SALLYPORT_SRC_SESSION_DATA_H
#define SALLYPORT_SRC_SESSION_DATA_H

#include "session.h"

void data_init(struct session *s);
/* The channel to gate, for ports and sockets. */
void data_gate_start(struct session *s, int gate);
/* PASV or EPSV: asks gate for a port; the reply comes later. An earlier port or
 * connection is given up. */
void data_gate_passive(struct session *s, enum verb verb);
/* PORT or EPRT: the client waits for the server at this address. An earlier
 * port or connection is given up. */
void data_gate_active(struct session *s, const struct address *client);
/* A transfer begins: after PORT, asks gate to connect. */
void data_gate_connect(struct session *s);
/* Gives up the port, or ends the connection with a FIN: no close_notify, and no
 * reset (linger_begin()). */
void data_close(struct session *s);
/* The same with close_notify: everything has been sent, or the client is the
 * sender. */
void data_end(struct session *s);
/* Takes FD as the data connection. False: no memory, and FD is closed. */
bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events);
/* A transfer is over. If its connection is still here, files has refused the
 * transfer, and the client has the reply. It stays open until the client closes
 * it, sends a command, or 5 s have passed: if it ended together with the reply,
 * clients would take the port for a broken one. A port to which nobody has
 * connected stays for the next transfer. */
void data_after_transfer(struct session *s);
/* The client's next command: ends what data_after_transfer() left open. */
void data_end_refused(struct session *s);
/* In DATA_DOUBTED: the connection is this user's. In other states it does
 * nothing. */
void data_claim(struct session *s);
/* In DATA_DOUBTED: the connection is not this user's. It is closed, and the
 * client is still expected. False in other states, and nothing is done. */
bool data_disown(struct session *s);
/* R is channel_send()'s, to gate: a gate that doesn't read ends the session. */
void data_gate_sent(struct session *s, int r);
/* Closes the connection, and reports WHY and its address WHOSE to gate. The
 * client is still expected. */
void data_give_back(struct session *s, enum foreign why,
                    const struct address *whose);
/* Makes the stream on the client's socket. False: no memory. */
bool data_open_stream(struct session *s);

#endif

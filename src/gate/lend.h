/* Ports marked `proxy`: each is lent to one proxied session at a time. */
#ifndef GATE_LEND_H
#define GATE_LEND_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/domain/outcome.h"

struct child;
struct pair;
struct port;

/* Do the data connections of this session come by a proxy? */
bool lend_by_proxy(const struct child *c);
/* The pair of the session that has the port for itself, or NULL. */
struct pair *lend_borrower(const struct port *port);
/* Can this session share the port with all sessions that expect a client there?
 */
bool lend_may(const struct child *c, const struct port *port);
/* Asks the borrower whether this connection of PROXY is its client's. */
void lend_offer(struct pair *pair, int fd, const struct address *proxy);
/* The borrower judges a connection: the next one waits. */
void lend_judged(struct port *port);
/* The connection is judged, or no longer wanted: accepts the next one at the
 * port. It may be called at any time. */
void lend_end(struct port *port);

/* MSG_data_mine and MSG_data_foreign: the word of a session on the connection
 * that it was offered last. After the second, WHY of enum foreign, its client
 * is still expected. False: it was offered none, or too long ago. */
bool lend_mine(struct child *c);
bool lend_foreign(struct child *c, const struct address *whose,
                  enum foreign why);

#endif

/* Data connections that proxies bring. Runs in gate. A session, not gate, reads
 * the PROXY header that names the client. So gate lends a port to one session
 * at a time, and offers it the connections there one by one. It must never give
 * a connection to a second session, nor believe a session about a connection
 * that gate didn't offer to it. */
#include "lend.h"

#include <errno.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "socket.h"
#include "tell.h"

bool lend_by_proxy(const struct child *c)
{
    return c->proxied && c->gate->settings.ports.proxy;
}

struct pair *lend_borrower(const struct port *port)
{
    struct pair *pair = LIST_FIRST(&port->expected);

    return pair && lend_by_proxy(pair->child) ? pair : NULL;
}

void lend_end(struct port *port)
{
    port->offered = false;
    acceptor_go(&port->acceptor);
}

bool lend_may(const struct child *c, const struct port *port)
{
    return lend_by_proxy(c) ? LIST_EMPTY(&port->expected)
                            : !lend_borrower(port);
}

void lend_judged(struct port *port)
{
    port->offered = true;
    acceptor_hold(&port->acceptor);
}

/* The session answers with `data_mine` or `data_foreign`. Until then the next
 * connection waits, so that no other one takes the right one's place. */
void lend_offer(struct pair *pair, int fd, const struct address *proxy)
{
    lend_judged(pair->port);
    socket_no_delay(fd);
    if (SEND(&pair->child->channel, data_proxied, 0, .proxy = *proxy,
             .connection = fd) == -EAGAIN)
        child_wrong(pair->child, "answers that it doesn't read");
}

bool lend_mine(struct child *c)
{
    struct port *port = c->pair ? c->pair->port : NULL;

    if (!port || !port->offered)
        return false;
    lend_end(port);
    passive_used(c);
    return true;
}

bool lend_foreign(struct child *c, const struct address *whose,
                  enum foreign why)
{
    static const char *const words[FOREIGN_COUNT] = {
        [FOREIGN_CLIENT] = "not who is expected",
        [FOREIGN_HEADER] = "no PROXY header in order",
    };
    struct port *port = c->pair ? c->pair->port : NULL;

    if (!port || !port->offered)
        return false;
    if (words[why])
        tell_stranger(c->gate, whose, &port->acceptor.bound, words[why]);
    lend_end(port);
    return true;
}

/* Tickets and the users file. When sessions end: transcripts/server/ends-*. */
#include <criterion/criterion.h>

#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"

static const struct server_plan plan = { 0 };

static void change(const struct server *server, const char *from,
                   const char *to)
{
    files_change(server_path(server, "users"), from, to, false);
}

/* Makes a transfer in a session that shows the ticket. */
static void store(struct session *s, const struct tls_session *show,
                  const char *words)
{
    struct data d;

    s->show = show;
    data_open(s, &d, "STOR f");
    data_close(&d);
    session_expect(s, words);
    s->show = NULL;
}

/* Returns the newest ticket of a session of anna. */
static struct tls_session *ticket_of(const struct server *server)
{
    struct tls_session *ticket;
    struct session s;

    session_enter_as(&s, server, "anna", SESSION_TLS_13);
    ticket = tls_client_session(s.tls);
    cr_assert(ticket);
    session_close(&s);
    return ticket;
}

/* A ticket from before a harmless change still counts. */
ServerTest(access, tickets_of_the_row_before, 60, &plan)
{
    struct tls_session *ticket;
    struct session s;

    ticket = ticket_of(server);
    change(server, "::", ":Anna, accounts:");
    server_log_wait(server, "users file read: edition 2", NULL);
    session_enter_as(&s, server, "anna", SESSION_TLS_13);
    store(&s, ticket, "226 {*}");
    session_close(&s);
    change(server, "/anna::", "/anna::rights=lrwo");
    server_log_wait(server, "users file read: edition 3", NULL);
    session_enter_as(&s, server, "anna", SESSION_TLS_13);
    store(&s, ticket,
          "425 {*}not resumed: another user's ticket, or a changed account.");
    store(&s, NULL, "226 {*}");
    session_close(&s);
    tls_session_free(ticket);
}

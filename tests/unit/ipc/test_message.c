/* The message list: every row is complete, and every answer has a request. */
#include "sallyport/ipc/channel.h"

#include "sallyport/domain/outcome.h"
#include "support/test.h"

#define ALL ((1U << PROCESS_COUNT) - 1)

static void check_fields(const struct message_row *row)
{
    const struct message_field *f = row->fields();
    size_t n = 0;

    for (; f->type != TYPE_END; f++, n++) {
        cr_assert_lt(f->type, TYPE_TYPES, "%s", row->name);
        cr_assert_geq(f->offset, sizeof(uint32_t), "%s", row->name);
        cr_assert_eq(f->count > 0,
                     f->type == TYPE_FLAG || f->type == TYPE_ENUM ||
                         f->type == TYPE_ERRNO,
                     "%s: %s", row->name, f->name);
    }
    cr_assert_leq(n, MESSAGE_FIELDS_MAX, "%s: too many fields", row->name);
    cr_assert_leq(f->offset, sizeof(struct message));
}

Test(message, rows_are_whole)
{
    /* Messages between two generations. */
    const unsigned both =
        PROCESS_BIT(PROCESS_GATE) | PROCESS_BIT(PROCESS_MASTER);

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        if (!row) /* the number of a message that is gone */
            continue;
        cr_assert(row->name, "message %u has no name", m);
        cr_assert(row->from && !(row->from & ~ALL), "%s: from", row->name);
        cr_assert(row->to && !(row->to & ~ALL), "%s: to", row->name);
        cr_assert_eq(row->from & row->to & ~both, 0, "%s: to itself",
                     row->name);
        cr_assert(row->phases, "%s: no phase", row->name);
        check_fields(row);
    }
    cr_assert_null(message_row(MSG_NONE));
    cr_assert_null(message_row(MSG_COUNT));
    cr_assert_str_eq(message_name(999), "?");
}

/* There may be more than 255 messages. */
Test(message, a_head_has_two_bytes_for_the_number)
{
    static const char expected[] = { 0x2c, 1, 0, 0, 4, 3, 2, 1 };
    char head[MESSAGE_HEAD];

    message_head(head, 300, 0x01020304);
    cr_assert_arr_eq(head, expected, sizeof(head));
}

/* A session keeps its build when the gate of another one adopts it, and
 * sallyportctl of a new build has to reload an old server. */
static bool is_across_builds(const struct message_row *row)
{
    const unsigned ends = row->from | row->to;
    const unsigned gate_session =
        PROCESS_BIT(PROCESS_GATE) | PROCESS_BIT(PROCESS_SESSION);

    return row->from & row->to || ends == gate_session ||
           ends & (PROCESS_BIT(PROCESS_SUPERVISOR) | PROCESS_BIT(PROCESS_CTL));
}

/* Otherwise a new message of other processes would change their numbers. */
Test(message, those_between_two_builds_come_first)
{
    const char *other = NULL; /* the first message within one build */

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        if (!row)
            continue;
        if (!is_across_builds(row))
            other = other ? other : row->name;
        else
            cr_expect_null(other, "%s comes after %s", row->name, other);
    }
}

Test(message, names_are_unique)
{
    for (unsigned a = 1; a < MSG_COUNT; a++)
        for (unsigned b = a + 1; b < MSG_COUNT; b++)
            cr_assert(!message_row(a) ||
                          strcmp(message_name(a), message_name(b)) != 0,
                      "%s", message_name(a));
}

Test(message, answers_go_back_where_the_request_came_from)
{
    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);
        const struct message_row *request;

        if (!row || row->answers == MSG_NONE)
            continue;
        request = message_row(row->answers);
        cr_assert(request, "%s answers nothing", row->name);
        cr_assert_eq(row->to, request->from, "%s", row->name);
        cr_assert_eq(row->from, request->to, "%s", row->name);
    }
}

/* Descriptors travel from the supervisor to master, from master to anybody,
 * from gate and files to session, from files to sallyportctl, and from gate to
 * master and to the next gate. */
Test(message, descriptors_travel_only_where_they_may)
{
    const unsigned supervisor = PROCESS_BIT(PROCESS_SUPERVISOR);
    const unsigned master = PROCESS_BIT(PROCESS_MASTER);
    const unsigned gate = PROCESS_BIT(PROCESS_GATE);
    const unsigned files = PROCESS_BIT(PROCESS_FILES);
    const unsigned session = PROCESS_BIT(PROCESS_SESSION);
    const unsigned ctl = PROCESS_BIT(PROCESS_CTL);

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        if (!row || message_count(row, TYPE_FD) == 0)
            continue;
        cr_assert(
            row->from == master ||
                (row->from == supervisor && row->to == master) ||
                (row->from == gate &&
                 (row->to & ~(session | master | gate)) == 0) ||
                (row->from == files && (row->to == session || row->to == ctl)),
            "%s carries a descriptor", row->name);
    }
}

/* Passwords from session to auth, and a new hash from auth to master. */
Test(message, secrets_go_to_auth_and_from_it_only)
{
    const unsigned auth = PROCESS_BIT(PROCESS_AUTH);

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        if (!row || message_count(row, TYPE_SECRET) == 0)
            continue;
        if (row->to == auth)
            cr_assert_eq(row->from, PROCESS_BIT(PROCESS_SESSION));
        else
            cr_assert(row->from == auth &&
                          row->to == PROCESS_BIT(PROCESS_MASTER),
                      "%s", row->name);
    }
}

/* Gate's keys go to its sessions and the next gate only: no other process seals
 * tickets. */
Test(message, keys_go_from_gate_to_session_and_gate_only)
{
    const unsigned to =
        PROCESS_BIT(PROCESS_SESSION) | PROCESS_BIT(PROCESS_GATE);

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        if (!row || message_count(row, TYPE_KEY) == 0)
            continue;
        cr_assert_eq(row->from, PROCESS_BIT(PROCESS_GATE), "%s", row->name);
        cr_assert_eq(row->to & ~to, 0, "%s", row->name);
    }
}

/* The processes that may get a message of P. */
static unsigned receivers(enum process p)
{
    unsigned to = 0;

    for (unsigned m = 1; m < MSG_COUNT; m++)
        if (message_row(m) && message_row(m)->from & PROCESS_BIT(p))
            to |= message_row(m)->to;
    return to;
}

Test(message, the_supervisor_talks_to_master_only)
{
    const unsigned master = PROCESS_BIT(PROCESS_MASTER);

    cr_expect_eq(receivers(PROCESS_SUPERVISOR), master);
    for (unsigned m = 1; m < MSG_COUNT; m++) {
        const struct message_row *row = message_row(m);

        cr_expect(!row || !(row->to & PROCESS_BIT(PROCESS_SUPERVISOR)) ||
                      (row->from & ~master) == 0 || m == MSG_hello,
                  "%s", row->name);
    }
}

/* Master's file with the hashes. */
Test(message, the_users_go_to_one_process)
{
    cr_expect_eq(message_row(MSG_users)->to, PROCESS_BIT(PROCESS_AUTH));
}

Test(message, keys_reaches_those_that_ask_it_only)
{
    const unsigned to = PROCESS_BIT(PROCESS_SESSION) |
                        PROCESS_BIT(PROCESS_GATE) |
                        PROCESS_BIT(PROCESS_MASTER) | PROCESS_BIT(PROCESS_LOG);

    cr_expect_eq(receivers(PROCESS_KEYS), to);
}

/* Auth names a row of the users file, and says yes or no. */
Test(message, auth_grants_no_right)
{
    const unsigned to = PROCESS_BIT(PROCESS_MASTER) | PROCESS_BIT(PROCESS_LOG);

    cr_expect_eq(receivers(PROCESS_AUTH), to);
    cr_expect_eq(message_row(MSG_granted)->from, PROCESS_BIT(PROCESS_MASTER));
}

/* The accounts of a session: its user's and the user's teams', with the limits
 * of their rows. */
#include "sessions.h"

#include <stdio.h>
#include <string.h>

/* Returns the account of a user or a team. For the hash, a team's name begins
 * with '@', since a user can have the same name as a team. The limits in the
 * settings are only for users. */
static struct account_limits account_of(const struct session_record *s,
                                        bool team, const char *name,
                                        const struct row_limits *l)
{
    const struct settings *c = &s->master->settings;
    char text[USER_NAME_MAX + 2];
    int len = snprintf(text, sizeof(text), "%s%s", team ? "@" : "", name);
    uint64_t number = siphash(s->master->secrets.versions, text, (size_t)len);

    return (struct account_limits){
        .number = number ? number : 1,
        .sessions = row_limit(l, ROW_SESSIONS, team ? 0 : c->max_per_user),
    };
}

void account_take_limits(struct session_record *s, const struct user *row)
{
    const struct settings *c = &s->master->settings;
    struct session_limits *now = &s->limits;

    *now = (struct session_limits){
        .account[0] = account_of(s, false, row->name, &row->limits),
        .accounts = 1,
        .file_size = user_limit(row, ROW_FILE_SIZE, c->max_file_size),
        .up = user_limit(row, ROW_UP, c->bandwidth_up),
        .down = user_limit(row, ROW_DOWN, c->bandwidth_down),
    };
    for (int i = 0; i < USER_TEAMS_MAX && row->team[i]; i++)
        now->account[now->accounts++] =
            account_of(s, true, row->team[i]->name, &row->team[i]->limits);
}

bool account_is_full(const struct session_record *s,
                     const struct account_limits *a)
{
    return a->sessions > 0 && sessions_of_account(s, a->number) >= a->sessions;
}

const struct account_limits *account_full(const struct session_record *s)
{
    for (size_t i = 0; i < s->limits.accounts; i++)
        if (account_is_full(s, &s->limits.account[i]))
            return &s->limits.account[i];
    return NULL;
}

/* The last step of parsing the users file. This step needs all lines: it finds
 * names and numbers that two lines share, and makes the grants of each user
 * from the names of shares and teams. Pure. */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Shares or teams in the order of a value. Rows with equal values are in the
 * order of the file. */
struct order {
    const void **row;
    size_t count, line_at; /* line_at: the offset of a row's line */
};

typedef int compare_rows(const void *a, const void *b);

/* Shares and teams begin with their name. */
_Static_assert(offsetof(struct share, name) == 0, "");
_Static_assert(offsetof(struct team, name) == 0, "");

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int compare_gids(const void *a, const void *b)
{
    const uint64_t x = ((const struct share *)a)->gid,
                   y = ((const struct share *)b)->gid;

    return compare_numbers(&x, &y);
}

static int compare_paths(const void *a, const void *b)
{
    return user_path_order(((const struct share *)a)->path,
                           ((const struct share *)b)->path);
}

/* Returns 0 if the path of share B lies in the path of share A, or is the same.
 * Call it for neighbours in the order of compare_paths(). */
static int compare_overlap(const void *a, const void *b)
{
    return user_path_beneath(((const struct share *)b)->path,
                             ((const struct share *)a)->path)
               ? 0
               : compare_paths(a, b);
}

/* Compares by value, then by line: all rows are in one array, in the order of
 * their lines. */
static int by_value(const void *a, const void *b, void *compare)
{
    const char *const *x = a, *const *y = b;
    int order = (*(compare_rows *const *)compare)(*x, *y);

    return order ? order : (*x > *y) - (*x < *y);
}

static size_t line_of(const struct order *o, const void *row)
{
    size_t line;

    memcpy(&line, (const char *)row + o->line_at, sizeof(line));
    return line;
}

/* Sorts the rows by COMPARE, and reports neighbours for which CLASH returns 0.
 */
static void find_twice(struct reader *r, struct order *o, compare_rows *compare,
                       compare_rows *clash, const char *what)
{
    qsort_r(o->row, o->count, sizeof(*o->row), by_value, &compare);
    for (size_t i = 1; i < o->count; i++) {
        size_t a = line_of(o, o->row[i - 1]), b = line_of(o, o->row[i]);

        if (clash(o->row[i - 1], o->row[i]) == 0)
            reader_mistake(r, a > b ? a : b, "the %s line %zu", what,
                           a > b ? b : a);
    }
}

/* Fills O with N rows of SIZE bytes each, in the order of the file. */
static int order_fill(const struct reader *r, struct order *o, const void *rows,
                      size_t n, size_t size, size_t line_at)
{
    *o = (struct order){ calloc(n + 1, sizeof(*o->row)), 0, line_at };
    if (!o->row)
        return reader_no_memory(r);
    for (; o->count < n; o->count++)
        o->row[o->count] = (const char *)rows + o->count * size;
    return 0;
}

/* Finds a uid that occurs twice: sorts numbers with a uid in the upper 32 bits
 * and the index of its row in the lower bits. */
static int check_uids(struct reader *r)
{
    const struct users *u = r->users;
    uint64_t *key = calloc(u->count + 1, sizeof(*key));
    int result = key ? 0 : reader_no_memory(r);

    for (size_t i = 0; i < u->count && result == 0; i++)
        key[i] = (uint64_t)u->row[i].uid << 32 | i;
    if (result == 0)
        qsort(key, u->count, sizeof(*key), compare_numbers);
    for (size_t i = 1; i < u->count && result == 0; i++)
        if (key[i] >> 32 == key[i - 1] >> 32)
            reader_mistake(r, u->row[(uint32_t)key[i]].line,
                           "the uid is also in line %zu",
                           u->row[(uint32_t)key[i - 1]].line);
    free(key);
    return result;
}

/* Finds a row for which COMPARE with LIKE returns 0; the rows are in the order
 * of COMPARE. Returns NULL if there is none. */
static const void *find_row(const struct order *o, compare_rows *compare,
                            const void *like)
{
    size_t from = 0, to = o->count;

    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = compare(like, o->row[middle]);

        if (order == 0)
            return o->row[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* Refuses a user with the gid of a share: such a user could enter the share
 * without a grant. The shares are in the order of their gids. */
static void check_user_gids(struct reader *r, const struct order *shares)
{
    const struct users *u = r->users;

    for (size_t i = 0; i < u->count; i++) {
        const struct share like = { .gid = u->row[i].gid };
        const struct share *found = find_row(shares, compare_gids, &like);

        if (found)
            reader_mistake(r, u->row[i].line,
                           "the share of line %zu has this gid", found->line);
    }
}

static int check_shares(struct reader *r, struct order *o)
{
    const struct users *u = r->users;
    int result = order_fill(r, o, u->share, u->shares, sizeof(*u->share),
                            offsetof(struct share, line));

    if (result != 0)
        return result;
    find_twice(r, o, compare_gids, compare_gids, "gid is also in");
    check_user_gids(r, o);
    find_twice(r, o, compare_paths, compare_overlap,
               "path overlaps the path of");
    find_twice(r, o, compare_names, compare_names, "name is also in");
    return 0;
}

/* The grants of one user or team, in the order of the shares. */
struct grants {
    struct grant row[USER_MOUNTS_MAX];
    size_t count;
};

struct resolver {
    struct reader *reader;
    struct order shares, teams; /* in the order of their names */
    struct grants *team;        /* the grants of each team */
};

/* Finds the share or team of that name. Returns NULL if there is none. */
static const void *find_name(const struct order *o, struct slice name)
{
    char text[USER_NAME_MAX + 1], *like = text;

    return slice_copy(name, text, sizeof(text)) < 0
               ? NULL
               : find_row(o, compare_names, &like);
}

/* Returns the index of the share's grant, or the index at which it belongs. */
static size_t find_grant(const struct grants *g, uint32_t share)
{
    size_t i = 0;

    while (i < g->count && g->row[i].share < share)
        i++;
    return i;
}

static bool has_grant(const struct grants *g, uint32_t share)
{
    size_t i = find_grant(g, share);

    return i < g->count && g->row[i].share == share;
}

/* Adds a grant. Refuses to combine rights in the user's own files with rights
 * in all files. */
static int add_grant(const struct resolver *x, struct grants *g,
                     struct grant one, size_t line)
{
    size_t i = find_grant(g, one.share);

    if (has_grant(g, one.share)) {
        if ((g->row[i].rights ^ one.rights) & RIGHT_MINE)
            return reader_mistake(
                x->reader, line,
                "the share %s: two lines grant it to the user, only one of "
                "them for own files only (mine, or u); all must have u, or "
                "none",
                x->reader->users->share[one.share].name);
        g->row[i].rights |= one.rights;
        return 0;
    }
    if (g->count == USER_MOUNTS_MAX)
        return reader_mistake(x->reader, line, "more than %d shares",
                              USER_MOUNTS_MAX);
    memmove(&g->row[i + 1], &g->row[i], (g->count - i) * sizeof(one));
    g->row[i] = one;
    g->count++;
    return 0;
}

/* Resolves one entry of shares=. */
static int resolve_share(const struct resolver *x, const struct list_entry *e,
                         size_t line, struct grants *into)
{
    const struct share *share = find_name(&x->shares, e->name);
    unsigned rights;
    struct grant one;

    if (!share)
        return reader_mistake(
            x->reader, line,
            "shares=%.*s: there is no line @share:%.*s:", (int)e->text.len,
            e->text.ptr, (int)e->name.len, e->name.ptr);
    if (entry_rights(e, &rights))
        return reader_mistake(x->reader, line, "shares=%.*s: " RIGHTS_EXPECTED,
                              (int)e->text.len, e->text.ptr);
    one = (struct grant){ (uint32_t)(share - x->reader->users->share), rights };
    if (has_grant(into, one.share))
        return reader_mistake(x->reader, line, "shares=: %.*s occurs twice",
                              (int)e->name.len, e->name.ptr);
    return add_grant(x, into, one, line);
}

/* Resolves the list of shares=. Returns 0 or -EINVAL. */
static int resolve_shares(const struct resolver *x, struct slice list,
                          size_t line, struct grants *into)
{
    struct list_entry one;
    int result = 0;

    into->count = 0;
    while (entry_next(&list, &one))
        if (resolve_share(x, &one, line, into))
            result = -EINVAL;
    return result;
}

/* Resolves one name of teams=. LIST has the names after it. */
static int resolve_team(const struct resolver *x, struct slice name,
                        struct slice list, size_t line, struct grants *into)
{
    const struct team *team = find_name(&x->teams, name);
    const struct grants *from;
    struct slice other;
    int result = 0;

    if (!team)
        return reader_mistake(x->reader, line,
                              "teams=%.*s: there is no line @team:%.*s:",
                              (int)name.len, name.ptr, (int)name.len, name.ptr);
    while (slice_cut(&list, ',', &other))
        if (slice_equal(name, other))
            return reader_mistake(x->reader, line, "teams=: %.*s occurs twice",
                                  (int)name.len, name.ptr);
    from = &x->team[team - x->reader->users->team];
    for (size_t i = 0; i < from->count && result == 0; i++)
        result = add_grant(x, into, from->row[i], line);
    return result;
}

/* Gives the user those teams that have limits. */
static int take_limited_teams(const struct resolver *x, struct user *user)
{
    static const struct row_limits none = { .number = { 0 } };
    struct slice list = user->teams, name;
    size_t n = 0;

    while (slice_cut(&list, ',', &name)) {
        const struct team *team = find_name(&x->teams, name);

        if (memcmp(&team->limits, &none, sizeof(none)) == 0)
            continue;
        if (n == USER_TEAMS_MAX)
            return reader_mistake(x->reader, user->line,
                                  "teams=: more than %d teams with limits",
                                  USER_TEAMS_MAX);
        user->team[n++] = team;
    }
    return 0;
}

/* Resolves a user. A user with a mistake stays in the table, but without
 * shares. */
static int resolve_user(const struct resolver *x, struct user *user)
{
    struct users *u = x->reader->users;
    struct slice teams = user->teams, name;
    struct grants g;
    int result = resolve_shares(x, user->shares, user->line, &g);
    const bool shares_hold = result == 0;

    while (shares_hold && slice_cut(&teams, ',', &name))
        if (resolve_team(x, name, teams, user->line, &g))
            result = -EINVAL;
    if (result == 0)
        result = take_limited_teams(x, user);
    /* The grants of all users are in one array, in the order of the users'
     * rows. */
    for (size_t i = 0; i < g.count && result == 0; i++) {
        result = reader_room(x->reader, ARRAY_GRANTS, &u->grant, u->grants,
                             user->line);
        if (result == 0)
            u->grant[u->grants++] = g.row[i];
    }
    if (result == 0)
        user->grants = g.count;
    return result == -EINVAL ? 0 : result;
}

/* Resolves all teams and users. Reports a mistake of a team even if nobody is
 * in the team. */
static int resolve_all(struct resolver *x)
{
    struct users *u = x->reader->users;
    int result = 0;

    x->team = calloc(u->teams + 1, sizeof(*x->team));
    if (!x->team)
        return reader_no_memory(x->reader);
    for (size_t i = 0; i < u->teams; i++)
        resolve_shares(x, u->team[i].shares, u->team[i].line, &x->team[i]);
    for (size_t i = 0; i < u->count && result == 0; i++)
        result = x->reader->full ? 0 : resolve_user(x, &u->row[i]);
    return result;
}

int reader_resolve(struct reader *r)
{
    struct resolver x = { .reader = r };
    /* The table that users_find() needs anyway also finds names that occur
     * twice. The search begins at the first row with such a name: there can be
     * a hundred thousand users, and a login may be waiting. */
    struct users *u = r->users;
    int result = users_index(u) ? 0 : reader_no_memory(r);

    for (size_t i = u->twice; i < u->count && result == 0; i++) {
        const struct user *first = users_find(u, slice_from(u->row[i].name));

        if (first != &u->row[i])
            reader_mistake(r, u->row[i].line, "the name is also in line %zu",
                           first->line);
    }
    if (result == 0)
        result = check_uids(r);
    if (result == 0)
        result = check_shares(r, &x.shares);
    if (result == 0)
        result = order_fill(r, &x.teams, r->users->team, r->users->teams,
                            sizeof(struct team), offsetof(struct team, line));
    if (result == 0) {
        find_twice(r, &x.teams, compare_names, compare_names,
                   "name is also in");
        result = resolve_all(&x);
    }
    /* From here on the arrays don't move. */
    const struct grant *grant = u->grant;
    for (size_t i = 0; i < u->count && result == 0; i++) {
        u->row[i].share = u->share;
        u->row[i].grant = grant;
        if (u->row[i].grants > 0)
            grant += u->row[i].grants;
    }
    free(x.shares.row);
    free(x.teams.row);
    free(x.team);
    return result;
}

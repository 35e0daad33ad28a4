/* Finds the files of a directory, which are the rows of a test. */
#include "rows.h"

#include "fail.h"
#include "files.h"
#include "long.h"
#include "test.h"

static void add_row(struct rows *r, const char *file)
{
    size_t len = strlen(file), end = strlen(r->suffix);

    if (len <= end || strcmp(file + len - end, r->suffix) != 0)
        return;
    FAIL_IF(r->count == ROWS_MAX, "too many files in %s", r->folder);
    FAIL_IF(len - end >= ROW_NAME_MAX, "%s: too long for a user's name", file);
    memcpy(r->row[r->count++].name, file, len - end);
}

/* Has the file this line among its first comments? */
static bool is_for_long_run(const struct rows *r, const struct row *row)
{
    FILE *f = fopen(rows_file(r, row), "re");
    char line[256] = "#";
    bool found = false;

    FAIL_IF(!f, "%s%s: %s", row->name, r->suffix, strerror(errno));
    while (!found && *line == '#' && fgets(line, sizeof(line), f))
        found = strcmp(line, "# In the long run.\n") == 0;
    fclose(f);
    return found;
}

/* Keeps only the row NAME. */
static void keep(struct rows *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->row[i].name, name) == 0) {
            r->row[0] = r->row[i];
            r->count = 1;
            return;
        }
    FAIL_IF(true, "no %s%s in %s", name, r->suffix, r->folder);
}

static void drop_long(struct rows *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->count; i++)
        if (!is_for_long_run(r, &r->row[i]))
            r->row[kept++] = r->row[i];
    r->count = kept;
}

void rows_find(struct rows *r)
{
    struct dirent **found;
    int n;

    if (r->count > 0)
        return;
    n = scandir(in_source(r->folder), &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        add_row(r, found[i]->d_name);
        free(found[i]);
    }
    FAIL_IF(r->count == 0, "no *%s in %s", r->suffix, r->folder);
    free(found);
    if (getenv(r->only))
        keep(r, getenv(r->only));
    else if (!is_long())
        drop_long(r);
}

void rows_share(struct rows *r, const struct server_plan *plan)
{
    struct server_user users[ROWS_MAX] = { 0 };
    struct server_plan with_users = *plan;

    rows_find(r);
    for (size_t i = 0; i < r->count; i++)
        users[i] = (struct server_user){
            .name = r->row[i].name,
            .keys = r->keys ? r->keys(r->row[i].name) : NULL,
        };
    with_users.users = users;
    with_users.user_count = r->count;
    server_share(&with_users);
}

const char *rows_file(const struct rows *r, const struct row *row)
{
    static char out[SERVER_PATH_MAX];

    snprintf(out, sizeof(out), "%s/%s%s", in_source(r->folder), row->name,
             r->suffix);
    return out;
}

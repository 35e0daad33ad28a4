/* The lists shares= and teams= in the users file: names with commas between
 * them, each perhaps with a role, in the order of the names. */
#include "edit.h"

static int add_entry(struct buf *list, struct slice entry)
{
    return buf_add_format(list, "%s%.*s", list->len > 0 ? "," : "",
                          (int)entry.len, entry.ptr);
}

/* Keeps a sorted list sorted. */
void row_set_entry(struct row *row, const char *key, struct slice name,
                   const char *entry)
{
    struct slice rest = slice_from(row_get(row, key));
    struct list_entry old;
    struct buf list;
    int r = 0;

    buf_init(&list, USERS_FILE_MAX);
    while (r == 0 && rest.len > 0 && entry_next(&rest, &old)) {
        const struct slice was = old.name;
        int order =
            memcmp(was.ptr, name.ptr, was.len < name.len ? was.len : name.len);

        if (order == 0)
            order = (was.len > name.len) - (was.len < name.len);
        if (order > 0 && entry) {
            r = add_entry(&list, slice_from(entry));
            entry = NULL;
        }
        if (r == 0 && order != 0)
            r = add_entry(&list, old.text);
    }
    if (r == 0 && entry)
        r = add_entry(&list, slice_from(entry));
    if (r == 0)
        r = buf_add(&list, "", 1);
    row_need(r ? r : row_set(row, key, list.len > 1 ? list.data : NULL));
    buf_release(&list);
}

/* Renames an entry, and keeps its role as it is written. */
static void rename_entry(size_t line, const char *key,
                         const struct list_entry *old, const char *to)
{
    const struct slice role = old->role;
    char text[GRANT_TEXT_MAX];

    if (to) {
        snprintf(text, sizeof(text), "%s%s%.*s", to, role.ptr ? ":" : "",
                 (int)role.len, role.ptr ? role.ptr : "");
        row_set_entry(edit_row(line), key, slice_from(to), text);
    }
    row_set_entry(edit_row(line), key, old->name, NULL);
}

void edit_rename_entries(const char *key, struct slice name, const char *to)
{
    const struct users *u = edit_users;
    const bool shares = strcmp(key, "shares") == 0;
    struct list_entry old;

    for (size_t i = 0; i < u->count; i++)
        if (entry_find(shares ? u->row[i].shares : u->row[i].teams, name, &old))
            rename_entry(u->row[i].line, key, &old, to);
    for (size_t i = 0; shares && i < u->teams; i++)
        if (entry_find(u->team[i].shares, name, &old))
            rename_entry(u->team[i].line, key, &old, to);
}

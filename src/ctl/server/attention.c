/* Finds what needs the administrator's attention, in the server's state and on
 * the disks. "status" shows the result, and "check" prints it. */
#include "rows.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>

#include "sallyport/domain/limits.h"

#define WARNING_DAYS 14
#define BAD_DAYS     3
/* Percentage of a disk, or of max_sessions, that calls for attention. */
#define MUCH 90

void attend(json_t *list, const char *level, const char *format, ...)
{
    char text[2 * COMPLAINT_MAX]; /* --check puts a place before a complaint */
    va_list args;

    va_start(args, format);
    complaint_list(text, sizeof(text), format, args);
    va_end(args);
    if (json_array_append_new(list,
                              json_pack("{s:s, s:o}", "level", level, "text",
                                        json_foreign(slice_from(text)))) < 0)
        fail_no_memory();
}

static void attend_changed(json_t *list, const json_t *files)
{
    const json_t *one;
    size_t i;

    json_array_foreach(files, i, one)
    {
        if (json_is_true(json_object_get(one, "changed")))
            attend(list, LEVEL_WARNING,
                   "%s has other bytes than the server uses; to use them, run: "
                   "sallyportctl reload",
                   text_of(one, "file", ""));
    }
}

static void attend_certificate(json_t *list, const json_t *c, bool local)
{
    const char *file = text_of(c, "file", ""), *name = text_of(c, "name", "");
    const json_int_t days = json_integer_value(json_object_get(c, "days"));
    const bool known = text_of(c, "expires", NULL);

    if (known && days < 0)
        attend(list, LEVEL_CRITICAL,
               "%s has expired; renew it, then run: sallyportctl reload", file);
    else if (known && days < WARNING_DAYS)
        attend(list, days < BAD_DAYS ? LEVEL_CRITICAL : LEVEL_WARNING,
               "%s expires in %" JSON_INTEGER_FORMAT " d", file, days);
    if (name[0] && !strchr(name, '.') && !local)
        attend(
            list, LEVEL_WARNING,
            "%s: partners can't reach its name \"%s\", which has no dot; run: "
            "/usr/libexec/sallyport/make-certificate --reload ftp.example.org",
            file, name);
}

static void attend_server(json_t *list, const json_t *status)
{
    const char *state = text_of(status, "state", "");
    const char *away = text_of(status, "away", NULL);
    const char *refused = text_of(status, "users_refused", NULL);
    const uint64_t most = number_of(status, "max_sessions");
    const uint64_t now = number_of(status, "sessions");

    if (strcmp(state, "draining") == 0)
        attend(list, LEVEL_WARNING,
               "the server drains, and new clients get 421; to end the drain, "
               "run: sallyportctl drain --off");
    else if (strcmp(state, "running") != 0)
        attend(list, LEVEL_WARNING, "the server is %s", state);
    if (away)
        attend(list, LEVEL_CRITICAL, "new clients get 421: %s", away);
    if (refused)
        attend(list, LEVEL_WARNING,
               "the server doesn't accept the users file, so the previous one "
               "stays in force: %s",
               refused);
    if (most > 0 && now * 100 >= most * MUCH)
        attend(list, now >= most ? LEVEL_CRITICAL : LEVEL_WARNING,
               "%" PRIu64 " of at most %" PRIu64 " sessions (max_sessions)",
               now, most);
}

/* Adds the disk of PATH to DISKS, and its faults to LIST. THEN says what fails
 * on a full disk. A missing directory is no fault: before the first user there
 * is none. */
static void attend_disk(json_t *list, json_t *disks, const char *name,
                        const char *path, const struct min_free *keep,
                        const char *then)
{
    struct statvfs s;
    const int error = disk_room(path, &s);
    const uint64_t used = s.f_blocks - s.f_bfree, all = used + s.f_bavail;
    const uint64_t left = s.f_bavail * s.f_frsize;
    const uint64_t part = s.f_blocks / 100 * keep->percent * s.f_frsize;

    if (error == -ETIMEDOUT)
        attend(list, LEVEL_CRITICAL, "%s: the disk hangs", path);
    if (error < 0 || all == 0 || s.f_frsize == 0)
        return;
    const uint64_t percent = 100 - s.f_bavail * 100 / all;

    json_t *one = json_pack("{s:s, s:o, s:I, s:I, s:I}", "name", name, "path",
                            json_text(path), "percent", (json_int_t)percent,
                            "bytes", (json_int_t)all * (json_int_t)s.f_frsize,
                            "free", (json_int_t)left);
    if (json_array_append_new(disks, one) < 0)
        fail_no_memory();
    if (left < (part > keep->bytes ? part : keep->bytes))
        attend(list, LEVEL_CRITICAL,
               "%s: less than min_free is left on the disk, so uploads fail",
               path);
    else if (s.f_bavail == 0)
        attend(list, LEVEL_CRITICAL, "%s: the disk is full, so %s", path, then);
    else if (s.f_files > 0 && s.f_favail == 0)
        attend(list, LEVEL_CRITICAL,
               "%s: the disk has no free inode for another file", path);
    else if (percent >= MUCH)
        attend(list, LEVEL_WARNING, "%s: the disk is %" PRIu64 " %% full", path,
               percent);
}

void attention_add(json_t *status)
{
    const struct settings *s = &ctl.settings;
    const json_t *listening = json_object_get(status, "listening"), *one;
    json_t *list = json_array(), *disks = json_array();
    /* Can only this machine reach the server? */
    bool local = json_array_size(listening) > 0;
    size_t i;

    json_array_foreach(listening, i, one)
    {
        const struct slice address = slice_from(json_string_value(one));

        local = local && (slice_starts(address, SLICE("127.")) ||
                          slice_starts(address, SLICE("[::1]")));
    }
    attend_server(list, status);
    json_array_foreach(json_object_get(status, "certificates"), i, one)
    {
        attend_certificate(list, one, local);
    }
    attend_changed(list, json_object_get(status, "certificates"));
    attend_changed(list, json_object_get(status, "client_files"));
    attend_disk(list, disks, "homes", s->homes, &s->min_free, "uploads fail");
    attend_disk(list, disks, "shares", s->shares, &s->min_free, "uploads fail");
    attend_disk(list, disks, "users", s->users, &(struct min_free){ 0 },
                "changes of users can fail");
    if (json_object_set_new(status, "disks", disks) ||
        json_object_set_new(status, "attention", list))
        fail_no_memory();
}

static void note_number(char *text, bool group, uint32_t id)
{
    if (id < ctl.settings.uid_first || id > ctl.settings.uid_last)
        return;
    for (size_t i = 0; i < ctl.users.count && !text[0]; i++)
        if (id == (group ? ctl.users.row[i].gid : ctl.users.row[i].uid))
            complaint_write(text, COMPLAINT_MAX,
                            "user %s: %s %u is also the system's; run: "
                            "sallyportctl check",
                            ctl.users.row[i].name, group ? "gid" : "uid", id);
}

/* Asks no name service, unlike --check: monitors call "status" each minute. */
static void find_number(void *text)
{
    FILE *accounts = fopen("/etc/passwd", "re"),
         *groups = fopen("/etc/group", "re");
    const struct passwd *account;
    const struct group *group;

    edit_load_users(&ctl.users, ctl.settings.users, edit_print_mistake);
    while (accounts && (account = fgetpwent(accounts)))
        note_number(text, false, account->pw_uid);
    while (groups && (group = fgetgrent(groups)))
        note_number(text, true, group->gr_gid);
}

void attention_add_numbers(json_t *list)
{
    struct complaint found = { "" }, why;

    disk_fork(find_number, found.text, sizeof(found.text), 1000, true, &why);
    if (found.text[0])
        attend(list, LEVEL_CRITICAL, "%s", found.text);
}

/* A reload changes each setting for later sessions. */
#include "change.h"
#include "ctl.h"
#include "generation.h"
#include "sallyport/conf/conf.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

/* Makes the changes of a reload, which begin at FIRST. Returns the index behind
 * them. */
static size_t reload_with(const struct server *server, size_t first)
{
    size_t i = first;

    for (; i < change_count && changes[i].reload == changes[first].reload;
         i++) {
        const char *value = changes[i].value;
        char path[SERVER_PATH_MAX];

        snprintf(path, sizeof(path), "%s",
                 strncmp(value, "./", 2) == 0 ? server_path(server, value)
                                              : value);
        server_set(server, changes[i].key, path);
    }
    ctl(server, 0, "reload", "");
    return i;
}

static void prepare(const struct server *server)
{
    struct buf users;

    buf_init(&users, 1 << 20);
    cr_assert(files_read(server_path(server, "users"), &users));
    memcpy(users.data, "bert", 4); /* instead of anna */
    files_write(server_path(server, "users.other"), users.data, users.len,
                0600);
    buf_release(&users);
    server_put(server, "anna", "there", "bytes", 5);
}

ServerTest(settings, each_changes, 1200,
           PLAN(.settings = "on_conflict = rename\n"))
{
    struct buf good;

    prepare(server);
    buf_init(&good, 1 << 20);
    cr_assert(files_read(server_path(server, "sallyport.conf"), &good));
    for (size_t i = 0, end; i < change_count;) {
        fail_context("%s: ", changes[i].key);
        for (end = reload_with(server, i); i < end; i++) {
            fail_context("%s: ", changes[i].key);
            changes[i].check(server, &changes[i]);
        }
        files_write(server_path(server, "sallyport.conf"), good.data, good.len,
                    0600);
        generation_wait_at_most(server, 2);
    }
    buf_release(&good);
}

/* The other settings, also the ones that other tests of reloads cover. None of
 * their values survives a generation, since a reload reads them as a start
 * does. */
static const char others[] =
    " listen proxies certificate key certificate. key. "
    "client_certificates client_ca client_crl homes ports "
    "ticket_lifetime max_sessions startups max_fruitless crash_ban ban_after "
    "ban_time no_ban hash_timeout guess_delay copy_max "
    "partial_days partials_key resume "
    "fsync allow_weaker accounts "
    "uid_first uid_last gid_first gid_last shares "
    "file_mode dir_mode "
    "totp_time hash_cost control_group ";

static bool is_changed(const struct setting *row)
{
    size_t len = strlen(row->key);

    for (size_t i = 0; i < change_count; i++)
        if (strncmp(changes[i].key, row->key, len) == 0 &&
            (row->keyed || changes[i].key[len] == '\0'))
            return true;
    return false;
}

Test(settings, none_is_forgotten)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        char word[64];

        snprintf(word, sizeof(word), " %s ", row->key);
        cr_expect_neq(is_changed(row), strstr(others, word) != NULL,
                      "%s: needs a row in tests/system/change.c, or else its "
                      "key in others of test_settings.c",
                      row->key);
    }
}

/* A session of the old generation logs in after the takeover. The old master
 * doesn't have the new generation's session in its list, and accepts the login.
 * The newest master ends the session when it learns of the login. */
ServerTest(settings, max_per_user_in_two_generations, 120,
           PLAN(.settings = "max_per_user = 1\n", .troubles = true))
{
    struct session old, s;
    struct data d;

    session_arrive(&old, server);
    ctl(server, 0, "reload", "");
    session_enter(&s, server, "anna");
    data_open(&s, &d, "STOR f");
    /* the end of the session can come before its 230 */
    if (session_try_login(&old, "anna", SERVER_PASSWORD) == 230)
        session_reply(&old);
    cr_expect_eq(strncmp(old.reply.data, "421 ", 4), 0, "%s", old.reply.data);
    session_drop(&old);
    data_finish(&s, &d, "bytes", 5, "226 {*}");
    session_close(&s);
    server_log_wait(server, " end ", "too many sessions of this user", NULL);
}

/* Makes the directory of a test's server: configuration, users with cheap
 * hashes, homes and a certificate. */
#include <crypt.h>

#include "certificate.h"
#include "fail.h"
#include "files.h"
#include "ports.h"
#include "sallyport/base/buf.h"
#include "scratch.h"
#include "server_private.h"
#include "test.h"

static const struct server_user anna = { .name = "anna" };

void server_folder_make(struct server *s)
{
    const char *temporary = getenv("TMPDIR");

    snprintf(s->folder, sizeof(s->folder), "%s/sallyport-test-XXXXXX",
             temporary ? temporary : "/tmp");
    FAIL_IF(!mkdtemp(s->folder), "mkdtemp: %s", strerror(errno));
    FAIL_IF(chmod(s->folder, 0711), "chmod: %s", strerror(errno));
    FAIL_IF((size_t)snprintf(s->homes, sizeof(s->homes), "%.*s/homes",
                             (int)sizeof(s->homes) - 7,
                             s->folder) >= sizeof(s->homes),
            "path too long");
    files_make_folder(s->homes, 0711);
    files_make_folder(server_path(s, "empty"), 0755);
}

/* The usual salt makes the fewest rounds of SHA-512 crypt, so that tests don't
 * wait for hashes. Calls crypt_rn(), since the sanitizer intercepts crypt() and
 * crypt_r(), and then finds no libcrypt. */
static const char *user_hash(const struct server_user *u)
{
    static struct crypt_data data;
    const char *hash =
        crypt_rn(u->password ? u->password : SERVER_PASSWORD,
                 u->salt ? u->salt : "$6$rounds=1000$sallyporttests$", &data,
                 sizeof(data));

    FAIL_IF(!hash, "crypt: %s", strerror(errno));
    return hash;
}

static void add_user(const struct server *s, const struct server_user *u,
                     uid_t uid, struct buf *text)
{
    const char *home = server_home(s, u->name);

    files_make_folder(home, 0700);
    if (geteuid() == 0)
        FAIL_IF(chown(home, uid, uid), "chown: %s", strerror(errno));
    FAIL_IF(buf_add_format(text, "%s:%s:%u:%u::%s::%s\n", u->name, user_hash(u),
                           (unsigned)uid, (unsigned)uid, home,
                           u->keys ? u->keys : ""),
            "the users file is too long");
}

/* Makes a share's directory and line as `sallyportctl share add` does. */
static void add_share(const struct server *s, const struct server_share *share,
                      gid_t gid, struct buf *text)
{
    const char *path = server_share_path(s, share->name);

    files_make_folder(path, 0770);
    if (geteuid() == 0)
        FAIL_IF(chown(path, 0, gid) || chmod(path, 02770), "chown: %s",
                strerror(errno));
    FAIL_IF(buf_add_format(text, "@share:%s:%u:%s:%s\n", share->name,
                           (unsigned)gid, path, share->keys ? share->keys : ""),
            "the users file is too long");
}

static void write_users(const struct server *s, const struct server_plan *plan)
{
    const struct server_user *users = plan->users ? plan->users : &anna;
    size_t count = plan->users ? plan->user_count : 1;
    struct buf text;

    buf_init(&text, 1 << 20);
    if (plan->share_count > 0)
        files_make_folder(server_share_path(s, ""), 0711);
    for (size_t i = 0; i < plan->share_count; i++)
        add_share(s, &plan->shares[i], (gid_t)(SERVER_GID_FIRST + i), &text);
    for (size_t i = 0; i < count; i++)
        add_user(s, &users[i], (uid_t)(SERVER_UID_FIRST + i), &text);
    buf_add_slice(&text, slice_from(plan->lines ? plan->lines : ""));
    files_write(server_path(s, "users"), text.data, text.len, 0600);
    buf_release(&text);
}

static void write_settings(const struct server *s,
                           const struct server_plan *plan)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    if (plan->listen)
        buf_add_format(&text, "listen = %s\n", plan->listen);
    else
        buf_add_format(&text, "listen = 127.0.0.1:%u\n", ports_one());
    buf_add_format(&text, "ports = %s\n", plan->ports ? plan->ports : "auto");
    buf_add_format(&text, "certificate = %s/certificate.pem\n", s->folder);
    buf_add_format(&text, "key = %s/key.pem\n", s->folder);
    buf_add_format(&text, "users = %s/users\n", s->folder);
    buf_add_format(&text, "homes = %s\n", s->homes);
    buf_add_format(&text, "empty = %s/empty\n", s->folder);
    buf_add_format(&text, "state = %s/state\n", s->folder);
    buf_add_format(&text, "login_delay = %s\n",
                   plan->login_delay ? plan->login_delay : "0");
    buf_add_format(&text, "guess_delay = %s\n",
                   plan->guess_delay ? plan->guess_delay : "0");
    buf_add_format(&text, "no_ban = %s\n",
                   plan->no_ban ? plan->no_ban : "127.0.0.0/8, ::1");
    buf_add_format(&text, "accounts = %d\n", SERVER_UID_GATE);
    if (plan->settings)
        buf_add_text(&text, plan->settings);
    buf_add_format(&text, "shares = %s/shares\n", s->folder);
    files_write(server_path(s, "sallyport.conf"), text.data, text.len, 0600);
    buf_release(&text);
}

void server_folder_fill(struct server *s, const struct server_plan *plan)
{
    certificate_make(s->folder);
    write_users(s, plan);
    write_settings(s, plan);
}

void server_set(const struct server *s, const char *key, const char *value)
{
    struct buf old, text;
    struct slice rest, line;
    bool found = false;

    buf_init(&old, 1 << 20);
    buf_init(&text, 1 << 20);
    FAIL_IF(!files_read(server_path(s, "sallyport.conf"), &old), "no settings");
    rest = buf_slice(&old);
    while (slice_cut(&rest, '\n', &line)) {
        bool this = slice_starts(line, slice_from(key)) &&
                    line.len > strlen(key) && line.ptr[strlen(key)] == ' ';

        if (this)
            buf_add_format(&text, "%s = %s", key, value);
        else
            buf_add_slice(&text, line);
        if (rest.ptr)
            buf_add_text(&text, "\n");
        found |= this;
    }
    if (!found)
        buf_add_format(&text, "%s = %s\n", key, value);
    files_write(server_path(s, "sallyport.conf"), text.data, text.len, 0600);
    buf_release(&old);
    buf_release(&text);
}

void server_folder_remove(struct server *s)
{
    scratch_remove_tree(s->folder);
}

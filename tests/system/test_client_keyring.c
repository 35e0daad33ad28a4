/* The client takes a password from the keyring of a desktop: a session bus and
 * gnome-keyring, without a screen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "support/files.h"

static const struct server_user users[] = { { .name = "anna" },
                                            { .name = "bert" } };

SERVER_SHARED(.users = users, .user_count = 2);

/* Does what a person's desktop does: unlocks the keyring with the password of
 * the login. The password for the server is stored in the way that sallyport(1)
 * describes. */
static const char desktop[] =
    "printf login | gnome-keyring-daemon --unlock --components=secrets "
    "  --control-directory=\"$XDG_RUNTIME_DIR/keyring\" >/dev/null || exit 1\n"
    "printf '" SERVER_PASSWORD "' |\n"
    "  secret-tool store --label=drop server 127.0.0.1 user anna || exit 1\n"
    "for user in anna bert; do\n"
    "  \"$CLIENT\" mkdir --cacert \"$CA\" ftps://$user@127.0.0.1:$PORT/seen\n"
    "  echo \"$user: $?\"\n"
    "done\n";

Test(keyring, of_a_desktop, .timeout = 120)
{
    char port[8], runtime[SERVER_PATH_MAX + 8];
    struct run_result r;
    struct desk d;

    desk_begin(&d, "anna");
    snprintf(runtime, sizeof(runtime), "%s/run", d.dir);
    snprintf(port, sizeof(port), "%u", d.server.port);
    files_make_folder(runtime, 0700);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("SALLYPORT_PASSWORD");
    setenv("CLIENT", server_program("sallyport"), 1);
    setenv("CA", d.ca, 1);
    setenv("PORT", port, 1);
    files_write("desktop", desktop, strlen(desktop), 0644);
    run(&r, NULL, "/usr/bin/dbus-run-session", "--", "/bin/sh", "desktop",
        NULL);
    cr_expect_not_null(strstr(r.text, "anna: 0\n"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "bert: 77\n"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "there is no password"), "%s", r.text);
    run_release(&r);
    cr_expect(files_exists(server_home_file(&d.server, "anna", "seen")));
    cr_expect_not(files_exists(server_home_file(&d.server, "bert", "seen")));
    desk_end(&d);
}

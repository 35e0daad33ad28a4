/* Which room may include which others, and which library belongs to which room.
 * The security claim is what a row leaves out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "matrix.h"
#include "source_tree.h"

static const struct matrix_room rooms[] = {
    { "base", "", "" },
    { "domain", "base", "" },
    { "ftp", "base domain", "" },
    { "settings", "base domain ipc", "" },
    { "conf", "base domain settings", "" },
    { "ipc", "base domain", "" },
    { "seccomp", "base domain sandbox", "seccomp.h" },
    { "sandbox", "base domain", "" },
    { "tls", "base domain", "openssl/" },
    { "users", "base domain ipc", "" },
    { "usersfile", "base domain ipc users", "" },
    { "proof", "base domain", "openssl/" },
    { "hash", "base domain", "crypt.h" },
    { "event", "base domain ipc", "" },
    { "supervisor", "base ipc", "" },
    { "master",
      "base domain settings ipc sandbox users event files/files.h "
      "seccomp/policy.h master/core master/children master/sessions "
      "master/control master/generations master/start",
      "" },
    { "master/core", "", "" },
    { "master/children", "master/core", "" },
    { "master/sessions", "master/core master/children", "" },
    { "master/control", "master/core master/children master/sessions", "" },
    { "master/generations",
      "master/core master/children master/sessions master/control", "" },
    { "master/start",
      "master/core master/children master/sessions master/control "
      "master/generations",
      "" },
    { "gate",
      "base domain settings ipc sandbox tls event process ftp/reply.h "
      "session/session.h seccomp/policy.h",
      "" },
    { "session",
      "base domain ftp settings ipc sandbox tls event seccomp/policy.h",
      "openssl/evp.h zlib.h" },
    { "process", "base domain ipc sandbox event", "" },
    { "auth",
      "base domain ipc users usersfile hash proof event process "
      "seccomp/policy.h",
      "" },
    { "keys", "base domain ipc tls event process seccomp/policy.h", "" },
    { "files", "base domain ftp ipc sandbox event seccomp/policy.h", "" },
    { "log", "base domain settings ipc event process seccomp/policy.h", "" },
    { "lookup", "base domain ipc event process seccomp/policy.h", "" },
    { "reader",
      "base domain settings conf sandbox users usersfile seccomp/policy.h",
      "" },
    { "check", "base domain settings sandbox users seccomp/policy.h", "" },
    { "ctl",
      "base domain ftp settings conf ipc tls users usersfile hash event "
      "files/files.h",
      "jansson.h" },
    { "client", "base client/show client/options client/link client/transfer",
      "curl/ openssl/ jansson.h editline/ locale.h search.h wchar.h zlib.h" },
    { "client/show", "", "" },
    { "client/options", "client/show", "" },
    { "client/link", "client/show client/options", "" },
    { "client/transfer", "client/show client/options client/link", "" },
    { "client/doctor", "client client/show client/options client/link", "" },
};
#define ROOMS (sizeof(rooms) / sizeof(rooms[0]))

static const struct matrix_file files[] = {
    { "session", "openssl/", "digest.c" },
    { "session", "zlib.h", "digest.c" },
    { "session", "zlib.h", "flow.c" },
};

static void fail_with(const char *fault)
{
    cr_expect_fail("%s", fault);
}

Test(matrix, includes)
{
    const struct matrix matrix = { .root = SOURCE_DIR,
                                   .rooms = rooms,
                                   .room_count = ROOMS,
                                   .files = files,
                                   .file_count =
                                       sizeof(files) / sizeof(files[0]),
                                   .report = fail_with };

    cr_assert_eq(matrix_check(&matrix), 0);
}

/* Is the row's room, or the room of one of its headers, NAME? */
static bool may_link(const struct matrix_room *row, const char *name)
{
    char copy[256], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", row->uses);
    for (char *w = strtok_r(copy, " ", &save); w;
         w = strtok_r(NULL, " ", &save))
        if (strncmp(w, name, strcspn(w, "/")) == 0 &&
            name[strcspn(w, "/")] == '\0')
            return true;
    return false;
}

static size_t count_rooms(void)
{
    size_t n = 0;

    for (size_t i = 0; i < ROOMS; i++)
        n += !strchr(rooms[i].name, '/');
    return n;
}

/* The build agrees with the matrix: room(NAME USES …) lists only rooms that the
 * matrix permits. A sub-room is linked with its room. */
Test(matrix, build_links_what_the_matrix_permits)
{
    FILE *f = source_tree_open(SOURCE_DIR, "CMakeLists.txt");
    char line[512], name[64], uses[256];
    size_t seen = 0;

    while (fgets(line, sizeof(line), f)) {
        char *save = NULL;
        int n = sscanf(line, "room(%63[a-z] USES %255[a-z ]", name, uses);

        seen += n >= 1;
        for (size_t i = 0; n == 2 && i < ROOMS; i++) {
            if (strcmp(rooms[i].name, name) != 0)
                continue;
            for (char *w = strtok_r(uses, " ", &save); w;
                 w = strtok_r(NULL, " ", &save))
                cr_expect(may_link(&rooms[i], w), "%s links %s", name, w);
        }
    }
    fclose(f);
    cr_assert_eq(seen, count_rooms());
}

/* Who may include what, which library belongs to which
 * room, which calls live where. The empty cells are the security claim. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct room {
    const char *name;
    const char *uses; /* rooms, and single doors as room/door.h */
    const char
        *libraries; /* beginnings of <…> that only the named rooms have */
};

static const struct room rooms[] = {
    { "base", "base", "" },
    { "ftp", "base ftp", "" },
    { "conf", "base conf", "ini.h" },
    { "ipc", "base ipc", "" },
    { "cage", "base cage", "seccomp.h" },
    { "tls", "base tls", "openssl/" },
    { "users", "base users", "" },
    { "proof", "base proof", "openssl/" },
    { "hash", "base hash", "crypt.h" },
    { "event", "base ipc event", "" },
    { "master", "base conf ipc cage users event files/files.h", "" },
    { "gate", "base conf ipc cage tls event ftp/reply.h session/session.h",
      "" },
    { "session",
      "base ftp conf ipc cage tls event users/rights.h "
      "session/session.h",
      "openssl/evp.h zlib.h" },
    { "auth", "base ipc cage users hash proof event", "" },
    { "keys", "base ipc cage tls event", "" },
    { "files", "base ftp ipc cage event users/rights.h files/files.h", "" },
    { "log", "base conf ipc cage event", "" },
    { "names", "base ipc cage event", "" },
    { "ctl", "base ftp conf ipc tls users hash event", "jansson.h" },
    { "client", "base", "curl/ openssl/ jansson.h editline/ zlib.h" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const libraries[] = { "ini.h",    "seccomp.h", "openssl/",
                                         "crypt.h",  "jansson.h", "zlib.h",
                                         "systemd/", "curl/",     "editline/" };

static bool has_word(const char *list, const char *word, size_t len)
{
    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == 0))
            return true;
    return false;
}

/* "room/door.h": the room or the single door is on the list. */
static bool door_permitted(const struct room *r, const char *door)
{
    char room[64];
    size_t len = strcspn(door, "/");

    if (has_word(r->uses, door, strlen(door)))
        return true;
    snprintf(room, sizeof(room), "%.*s", (int)len, door);
    return has_word(r->uses, room, len);
}

/* One of the words of LIST is what HEADER begins with. */
static bool begins_with_one(const char *header, const char *list)
{
    size_t len;

    for (; *list; list += len + (list[len] == ' ')) {
        len = strcspn(list, " ");
        if (strncmp(header, list, len) == 0)
            return true;
    }
    return false;
}

/* Of a room that has a library for one purpose: the file, or files, that may.
 */
static const struct {
    const char *room, *header, *file;
} alone[] = {
    { "session", "openssl/", "digest.c" },
    { "session", "zlib.h", "digest.c" },
    { "session", "zlib.h", "deflate.c" },
};

static bool in_its_file(const struct room *r, const char *file,
                        const char *header)
{
    bool held = false;

    for (size_t i = 0; i < COUNT(alone); i++) {
        if (strcmp(alone[i].room, r->name) != 0 ||
            strncmp(header, alone[i].header, strlen(alone[i].header)) != 0)
            continue;
        if (strcmp(strrchr(file, '/') + 1, alone[i].file) == 0)
            return true;
        held = true;
    }
    return !held;
}

static bool library_permitted(const struct room *r, const char *file,
                              const char *header)
{
    for (size_t i = 0; i < COUNT(libraries); i++)
        if (strncmp(header, libraries[i], strlen(libraries[i])) == 0)
            return begins_with_one(header, r->libraries) &&
                   in_its_file(r, file, header);
    return true;
}

static bool is_beside(const struct room *r, const char *header)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/src/%s/%s", SOURCE_DIR, r->name, header);
    return !strchr(header, '/') && access(path, R_OK) == 0;
}

static void check_include(const struct room *r, const char *file,
                          const char *line)
{
    char header[256];

    if (sscanf(line, "#include \"sallyport/%255[^\"]\"", header) == 1)
        cr_expect(door_permitted(r, header), "%s: %s may not use %s", file,
                  r->name, header);
    else if (sscanf(line, "#include \"%255[^\"]\"", header) == 1)
        cr_expect(is_beside(r, header), "%s: \"%s\" isn't beside it", file,
                  header);
    else if (sscanf(line, "#include <%255[^>]>", header) == 1)
        cr_expect(library_permitted(r, file, header), "%s: %s may not use <%s>",
                  file, r->name, header);
}

struct call {
    const char *name;
    const char *rooms; /* "": nowhere */
};

/* "If I were a line of code, would I know my room?" and the banned calls. */
static const struct call calls[] = {
    { "SSL_read(", "tls client" },
    { "SSL_write(", "tls client" },
    { "crypt_r(", "hash" },
    { "setresuid(", "cage" },
    { "setresgid(", "cage" },
    { "chroot(", "cage" },
    { "accept4(", "gate master" },
    { "SYS_openat2", "files cage ctl" },
    { "SCM_RIGHTS", "ipc" },
    { "getpwnam(", "master" },
    { "gethostbyname2_r(", "names" },
    { "getaddrinfo(", "client" },
    { "execveat(", "master" },
    { "system(", "" },
    { "popen(", "" },
    { "strcpy(", "" },
    { "strcat(", "" },
    { "sprintf(", "" },
    { "vsprintf(", "" },
    { "gets(", "" },
    { "strtok(", "" },
    { "atoi(", "" },
    { "sscanf(", "" },
    { "alloca(", "" },
    { "localtime(", "" },
    { "localtime_r(", "" },
    { "ctime(", "" },
    { "rand(", "" },
    { "tmpnam(", "" },
    { "mktemp(", "" },
    { "TODO", "" },
    { "FIXME", "" },
    { "XXX", "" },
};

static bool is_identifier(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static void check_calls(const struct room *r, const char *file, size_t number,
                        const char *line)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        const char *at = strstr(line, calls[i].name);

        if (!at || (at > line && is_identifier(at[-1])))
            continue;
        cr_expect(has_word(calls[i].rooms, r->name, strlen(r->name)),
                  "%s:%zu: %s doesn't belong in %s", file, number,
                  calls[i].name, r->name);
    }
}

static size_t check_file(const struct room *r, const char *name)
{
    char path[512], line[4096];
    size_t number = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/src/%s/%s", SOURCE_DIR, r->name, name);
    f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    while (fgets(line, sizeof(line), f)) {
        number++;
        check_include(r, path, line);
        check_calls(r, path, number, line);
        cr_expect(strcspn(line, "\n") <= 80, "%s:%zu: over 80 columns", path,
                  number);
    }
    fclose(f);
    return number;
}

static size_t check_room(const struct room *r)
{
    char path[512];
    struct dirent *e;
    size_t lines = 0;
    DIR *d;

    snprintf(path, sizeof(path), "%s/src/%s", SOURCE_DIR, r->name);
    d = opendir(path);
    cr_assert_not_null(d, "%s", path);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            lines += check_file(r, e->d_name);
    closedir(d);
    return lines;
}

Test(matrix, includes_and_calls)
{
    for (size_t i = 0; i < COUNT(rooms); i++)
        cr_assert_gt(check_room(&rooms[i]), 50, "%s is empty", rooms[i].name);
}

Test(matrix, every_folder_of_src_is_a_room)
{
    struct dirent *e;
    DIR *d = opendir(SOURCE_DIR "/src");
    size_t found = 0;

    while ((e = readdir(d))) {
        bool known = false;

        if (e->d_name[0] == '.')
            continue;
        for (size_t i = 0; i < COUNT(rooms); i++)
            known |= strcmp(rooms[i].name, e->d_name) == 0;
        cr_assert(known, "src/%s isn't in the matrix", e->d_name);
        found++;
    }
    closedir(d);
    cr_assert_eq(found, COUNT(rooms));
}

/* The doors too: a door may open only what every user of its room may open. */
Test(matrix, doors_include_nothing_more)
{
    for (size_t i = 0; i < COUNT(rooms); i++) {
        char path[512], line[4096];
        struct dirent *e;
        DIR *d;

        snprintf(path, sizeof(path), "%s/include/sallyport/%s", SOURCE_DIR,
                 rooms[i].name);
        d = opendir(path);
        while (d && (e = readdir(d))) {
            FILE *f;

            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/include/sallyport/%s/%s",
                     SOURCE_DIR, rooms[i].name, e->d_name);
            f = fopen(path, "r");
            while (fgets(line, sizeof(line), f))
                if (strncmp(line, "#include", 8) == 0)
                    check_include(&rooms[i], path, line);
            fclose(f);
        }
        if (d)
            closedir(d);
    }
}

/* The build's words: room(NAME USES …) lists rooms of the matrix and no more.
 */
Test(matrix, build_links_what_the_matrix_permits)
{
    char line[512], name[64], uses[256];
    FILE *f = fopen(SOURCE_DIR "/CMakeLists.txt", "r");
    size_t seen = 0;

    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *save = NULL;

        if (sscanf(line, "room(%63[a-z]", name) != 1)
            continue;
        seen++;
        if (sscanf(line, "room(%63[a-z] USES %255[a-z ]", name, uses) != 2)
            continue;
        for (size_t i = 0; i < COUNT(rooms); i++) {
            if (strcmp(rooms[i].name, name) != 0)
                continue;
            for (char *w = strtok_r(uses, " ", &save); w;
                 w = strtok_r(NULL, " ", &save))
                cr_expect(strstr(rooms[i].uses, w), "%s links %s", name, w);
        }
    }
    fclose(f);
    cr_assert_eq(seen, COUNT(rooms));
}

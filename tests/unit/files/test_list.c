/* Listings: their entries, what they leave out, and how they end. */
#include <fnmatch.h>

#include "peer.h"
#include "support/processes.h"
#include "syncs.h"

static void furnish(struct peer *p)
{
    PLAY(p, PUT("/file", "hello"), PUT("/two words", "x"), PUT("/.hidden", "x"),
         PUT("/line\nbreak", "x"), DIRECTORY("/folder"),
         PUT("/folder/inner", "x"), DIRECTORY("/empty"), DIRECTORY("/locked"),
         BITS("/locked", 0300), LINK("folder", "/link-to-folder"),
         LINK("/file", "/link"), LINK("../../../../etc/passwd", "/escape"),
         PUT("/.sallyport-x", "x"));
    disk_put(p, "/.SallyPort-x", "x", 1); /* a disk can ignore case */
    disk_directory(p, "/.sallyport-folder");
}

/* Counts the lines of TEXT that begin with BEGIN and end with END. */
static size_t lines(const char *text, const char *begin, const char *end)
{
    size_t count = 0;

    for (const char *at = text; *at;) {
        const char *stop = strstr(at, "\r\n");
        cr_assert_not_null(stop);
        size_t len = (size_t)(stop - at), b = strlen(begin), e = strlen(end);
        count += len >= b && len >= e && strncmp(at, begin, b) == 0 &&
                 strncmp(stop - e, end, e) == 0;
        at = stop + 2;
    }
    return count;
}

/* Sends NLST with a pattern, and expects the names WANTED, sorted and joined by
 * blanks. */
static void expect_names(struct peer *p, const char *path, const char *argument,
                         const char *wanted)
{
    char *line[16], got[512] = "";
    size_t count = 0;

    cr_assert_eq(ask_list(p, path, LIST_NAMES, argument), OUTCOME_OK, "%s",
                 argument);
    cr_expect_eq(p->listed, OUTCOME_OK);
    for (char *at = strtok(p->text, "\r\n"); at; at = strtok(NULL, "\r\n"))
        line[count++] = at;
    cr_expect_eq(p->entries, count);
    for (size_t i = 0; i < count; i++) {
        size_t least = i;

        for (size_t k = i + 1; k < count; k++)
            if (strcmp(line[k], line[least]) < 0)
                least = k;
        char *swap = line[i];
        line[i] = line[least];
        line[least] = swap;
        strcat(strcat(got, i ? " " : ""), line[i]);
    }
    cr_expect_str_eq(got, wanted, "%s: %s", argument, got);
}

/* Expects that ARGUMENT isn't used as a pattern. Then "/d*" is a name, for
 * example of a working directory that was removed, and isn't found. */
static void expect_no_pattern(struct peer *p, const char *argument)
{
    cr_expect_eq(ask_list(p, "/d*", LIST_NAMES, argument), OUTCOME_NOT_FOUND,
                 "%s", argument);
    cr_expect_eq(ask_list(p, "/d*", LIST_LONG, argument), OUTCOME_NOT_FOUND,
                 "%s", argument);
}

PeerTest(list, patterns, peer_init(p))
{
    PLAY(p, DIRECTORY("/d"), DIRECTORY("/d/sub"), PUT("/d/a.txt", "x"),
         PUT("/d/b.txt", "x"), PUT("/d/.c.txt", "x"), PUT("/d/[x]", "x"),
         PUT("/d/x", "x"), PUT("/d/.sallyport-x", "x"), LINK("d", "/l"), RUN());
    expect_names(p, "/d/*.txt", "*.txt", "a.txt b.txt");
    expect_names(p, "/d/*.txt", "d/*.txt", "d/a.txt d/b.txt");
    expect_names(p, "/d/*.txt", "/d//*.txt", "/d//a.txt /d//b.txt");
    expect_names(p, "/l/?.txt", "l/?.txt", "l/a.txt l/b.txt");
    expect_names(p, "/d/.*", ".*", ".c.txt");
    expect_names(p, "/d/s*", "s*", "sub");
    expect_names(p, "/d/[ab].*", "[ab].*", "a.txt b.txt");
    expect_names(p, "/d/*.nothing", "*.nothing", "");
    expect_names(p, "/d/[x]", "[x]", "[x]"); /* a file has that name */
    GETS(NOT_FOUND, ask_list(p, "/none/*", LIST_NAMES, "none/*"));
    GETS(NOT_FOUND, ask_list(p, "/*/x", LIST_NAMES, "*/x"));
    GETS(NOT_FOUND, ask_list(p, "/*", LIST_FACTS, "*"));
    expect_no_pattern(p, "d*/");
    expect_no_pattern(p, "d*/.");
    expect_no_pattern(p, "d*/x/..");
    expect_no_pattern(p, ""); /* the working directory */
    DONE(ask_list(p, "/d/*.txt", LIST_LONG, "*.txt"));
    cr_expect_eq(lines(p->text, "-rw-------", " a.txt"), 1, "%s", p->text);
    cr_expect_eq(p->entries, 2);
}

PeerTest(list, formats, peer_init(p))
{
    furnish(p);
    peer_run(p);
    DONE(ask_list(p, "/", LIST_LONG, ""));
    DONE(p->listed);
    cr_expect_eq(p->entries, 10);
    cr_expect_eq(lines(p->text, "", ""), 10, "%s", p->text);
    cr_expect_eq(lines(p->text, "-rw------- ", " file"), 1, "%s", p->text);
    cr_expect_eq(lines(p->text, "-rw------- ", " two words"), 1);
    cr_expect_eq(lines(p->text, "-rw------- ", " .hidden"), 1);
    cr_expect_eq(lines(p->text, "-rw------- ", " line?break"), 1);
    cr_expect_eq(lines(p->text, "drwx------ ", " folder"), 1);
    cr_expect_eq(lines(p->text, "l", " link-to-folder -> folder"), 1);
    cr_expect_eq(lines(p->text, "-rw------- ", " link"), 1);
    cr_expect_eq(lines(p->text, "l", " escape -> ../../../../etc/passwd"), 1,
                 "%s", p->text);
    cr_expect_null(strcasestr(p->text, ".sallyport-"));

    ask_list(p, "/", LIST_NAMES, "");
    cr_expect_eq(p->entries, 10);
    cr_expect_eq(lines(p->text, "file", "file"), 1);
    cr_expect_eq(lines(p->text, "escape", "escape"), 1);
    ask_list(p, "/", LIST_FACTS, "");
    cr_expect_eq(p->entries, 10);
    cr_expect_eq(lines(p->text, "type=file;size=5;", "; file"), 1, "%s",
                 p->text);
    cr_expect_eq(lines(p->text, "type=dir;", "; folder"), 1);
    cr_expect_eq(lines(p->text, "type=OS.unix=slink;", "; link-to-folder"), 1);
    cr_expect_eq(lines(p->text, "type=file;size=5;", "; link"), 1);
    cr_expect_not_null(strstr(p->text, "perm=adfrw;"));
    cr_expect_not_null(strstr(p->text, "perm=cdeflmp;"));
    cr_expect_null(strstr(p->text, "; .\r\n"));
}

/* If the disk can't show one entry, the others are listed, and the outcome says
 * that the listing isn't complete. */
PeerTest(list, an_entry_that_cannot_be_read, peer_init(p))
{
    static const enum list_format formats[] = { LIST_LONG, LIST_FACTS };

    PLAY(p, PUT("/a", "x"), PUT("/b", "x"), PUT("/c", "x"), look_fails = "b",
         RUN(), look_fails = NULL);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        DONE(ask_list(p, "/", formats[i], ""));
        cr_expect_eq(p->listed, OUTCOME_IO);
        cr_expect_eq(p->entries, 2, "%s", p->text);
    }
}

/* NLST lists names that RETR accepts from the client's working directory: they
 * begin with the argument as the client has given it. */
PeerTest(list, names_as_the_client_would_ask_for_them, peer_init(p))
{
    static const struct {
        const char *path, *argument, *text;
    } rows[] = {
        { "/folder", "", "inner\r\n" },
        { "/folder", "folder", "folder/inner\r\n" },
        { "/folder", "folder/", "folder/inner\r\n" },
        { "/folder", "/folder", "/folder/inner\r\n" },
        { "/folder", "../folder", "../folder/inner\r\n" },
        { "/folder", ".", "./inner\r\n" },
        { "/link-to-folder", "link-to-folder", "link-to-folder/inner\r\n" },
        { "/folder/inner", "folder/inner", "folder/inner\r\n" },
        { "/folder/inner", "inner", "inner\r\n" },
        { "/folder/inner", "../folder/./inner", "../folder/./inner\r\n" },
        { "/folder/inner", "", "inner\r\n" },
        { "/file", "a\rb\nc", "a?b?c\r\n" },
        { "/empty", "empty", "" },
    };
    char argument[1025], wanted[1100];

    furnish(p);
    peer_run(p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask_list(p, rows[i].path, LIST_NAMES, rows[i].argument);
        cr_expect_str_eq(p->text, rows[i].text, "row %zu: %s", i, p->text);
    }
    memset(argument, 'x', 1024); /* the longest one in a message */
    argument[1024] = 0;
    snprintf(wanted, sizeof(wanted), "%s/inner\r\n", argument);
    ask_list(p, "/folder", LIST_NAMES, argument);
    cr_expect_str_eq(p->text, wanted);
}

/* A file that RETR refuses isn't listed as a file. */
PeerTest(list, not_a_file, peer_init(p))
{
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0600), 0);
    disk_socket(p, "/socket");
    peer_run(p);
    ask_list(p, "/", LIST_FACTS, "");
    cr_expect_eq(p->entries, 2);
    cr_expect_eq(lines(p->text, "type=OS.unix=fifo;modify=", "; fifo"), 1, "%s",
                 p->text);
    cr_expect_eq(lines(p->text, "type=OS.unix=other;modify=", "; socket"), 1,
                 "%s", p->text);
    ask_list(p, "/", LIST_LONG, "");
    cr_expect_eq(lines(p->text, "prw------- ", " fifo"), 1, "%s", p->text);
    cr_expect_eq(lines(p->text, "s", " socket"), 1, "%s", p->text);
}

PeerTest(list, subjects, peer_init(p))
{
    static const struct {
        const char *path;
        enum list_format format;
        int outcome;
        uint64_t entries;
    } rows[] = {
        { "/empty", LIST_LONG, OUTCOME_OK, 0 },
        { "/empty", LIST_NAMES, OUTCOME_OK, 0 },
        { "/empty", LIST_FACTS, OUTCOME_OK, 0 },
        { "/file", LIST_LONG, OUTCOME_OK, 1 },
        { "/file", LIST_NAMES, OUTCOME_OK, 1 },
        { "/file", LIST_FACTS, OUTCOME_NOT_DIRECTORY, 0 },
        { "/link-to-folder", LIST_LONG, OUTCOME_OK, 1 },
        { "/link", LIST_LONG, OUTCOME_OK, 1 },
        { "/escape", LIST_LONG, OUTCOME_NOT_FOUND, 0 },
        { "/missing", LIST_LONG, OUTCOME_NOT_FOUND, 0 },
        { "/file/x", LIST_LONG, OUTCOME_NOT_DIRECTORY, 0 },
        { "/locked", LIST_LONG, OUTCOME_DENIED, 0 },
        { "/.sallyport-folder", LIST_LONG, OUTCOME_NOT_FOUND, 0 },
        { "/.sallyport-x", LIST_LONG, OUTCOME_NOT_FOUND, 0 },
    };

    furnish(p);
    peer_run(p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = ask_list(p, rows[i].path, rows[i].format, "");

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        cr_expect_eq(p->listed, OUTCOME_OK);
        cr_expect_eq(p->entries, rows[i].entries, "%s", rows[i].path);
    }
}

PeerTest(list, needs_the_right, peer_init(p))
{
    PLAY(p, p->start.rights = RIGHT_ALL & ~RIGHT_LIST, RUN());
    GETS(NO_RIGHT, ask_list(p, "/", LIST_LONG, ""));
}

#define MANY 20000 /* for the test of memory */
#define SOME 5000  /* more than a pipe holds */

/* Makes COUNT hard links of one file, which is much faster than COUNT files. */
static void furnish_many(struct peer *p, unsigned count)
{
    char name[64];

    disk_put(p, "/a-file-with-a-long-name-000000", "", 0);
    for (unsigned i = 1; i < count; i++) {
        snprintf(name, sizeof(name), "/a-file-with-a-long-name-%06u", i);
        disk_hard_link(p, "/a-file-with-a-long-name-000000", name);
    }
}

/* Returns the resident memory of the process in KiB. Mapped files don't count,
 * since the kernel can drop their pages at any time. */
static uint64_t memory(struct peer *p)
{
    return process_number(p->pid, "RssAnon");
}

/* The sanitizer of GCC 13 and later keeps the frames of functions that have
 * returned, and memory() would count them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}

static int ask_for_pipe(struct peer *p, const char *path,
                        enum list_format format, const char *argument)
{
    DONE(ASK(p, directory_list, .path = slice_from(path), .format = format,
             .argument = slice_from(argument), .facts = 0));
    cr_assert_eq(heard.kind, MSG_directory_pipe);
    return fd_take(&heard.directory_pipe.listing);
}

/* Expects each of the MANY files in a line of its own, and nothing else. TEXT
 * was written in many blocks, which end in the middle of lines. */
static void expect_each_of_many(char *text)
{
    static bool seen[MANY];
    size_t count = 0;
    unsigned number;

    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        const char *name = strstr(line, "; ");

        cr_assert(name && strncmp(line, "type=file;size=0;", 17) == 0, "%s",
                  line);
        cr_assert_eq(sscanf(name, "; a-file-with-a-long-name-%6u", &number), 1,
                     "%s", line);
        cr_assert(number < MANY && !seen[number], "%s", line);
        seen[number] = true;
        count++;
    }
    cr_expect_eq(count, MANY);
}

PeerTest(list, many_entries_in_little_memory, peer_init(p))
{
    furnish_many(p, MANY);
    peer_run(p);
    /* Brings the code of a listing into memory. */
    ask_list(p, "/none*", LIST_LONG, "none*");
    uint64_t before = memory(p);
    ask_list(p, "/", LIST_FACTS, "");
    cr_expect_eq(p->listed, OUTCOME_OK);
    cr_expect_eq(p->entries, MANY);
    cr_expect_leq(memory(p), before + 1024, "%lu %lu", memory(p), before);
    expect_each_of_many(p->text);
}

/* If the reader closes its end, as after ABOR, the listing ends, and the
 * process is ready for the next request. */
PeerTest(list, reader_that_goes_away, peer_init(p))
{
    char some[100];

    furnish_many(p, SOME);
    peer_run(p);
    int fd = ask_for_pipe(p, "/", LIST_FACTS, "");
    cr_assert_eq(fd_set_nonblock(fd, false), 0);
    cr_assert_eq(read(fd, some, sizeof(some)), sizeof(some));
    close(fd);
    cr_expect_eq(EXPECT(&p->session, directory_listed)->outcome,
                 OUTCOME_GONE_AWAY);
    GETS(OK, ask_path(p, MSG_directory_enter, "/"));
}

/* A process that waits for a reader still notices the end of session or
 * master. */
Test(list, ends_while_blocked)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = peer_new();

        furnish_many(p, SOME);
        peer_run(p);
        int fd = ask_for_pipe(p, "/", LIST_FACTS, "");
        channel_close(i == 0 ? &p->session : &p->master);
        cr_expect_eq(peer_wait(p), 0);
        close(fd);
        peer_remove(p);
    }
}

/* A listing without a match writes nothing, so no write fails when the reader
 * or the session has gone. The listing ends all the same. */
Test(list, without_a_match_ends_with_its_reader)
{
    struct peer *p = peer_new();

    directories_endless = true;
    furnish(p);
    peer_run(p);
    close(ask_for_pipe(p, "/folder/x*", LIST_NAMES, "x*"));
    cr_expect_eq(EXPECT(&p->session, directory_listed)->outcome,
                 OUTCOME_GONE_AWAY);
    int fd = ask_for_pipe(p, "/folder/x*", LIST_NAMES, "x*");
    peer_leave(p);
    close(fd);
    peer_remove(p);
}

Test(pattern, is_one)
{
    cr_expect(list_is_pattern("*"));
    cr_expect(list_is_pattern("a?"));
    cr_expect(list_is_pattern("a["));
    cr_expect_not(list_is_pattern(""));
    cr_expect_not(list_is_pattern("a]b\\{c}"));
}

Test(pattern, matches)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        { "*.txt", "a.TXT", false },  { "[.]a", ".a", false },
        { "???", "\xc3\xa4x", true }, { "[abc]", "b", true },
        { "[abc]", "d", false },      { "[a-c]x", "bx", true },
        { "[!a-c]x", "bx", false },   { "[^a-c]x", "dx", true },
        { "[]]", "]", true },         { "[!]]", "]", false },
        { "[!]]", "a", true },        { "[a-]", "-", true },
        { "[-a]", "-", true },        { "[\x80-\xff]", "\xc3", true },
        { "[", "[", true },           { "[a", "[a", true },
        { "a[", "a", false },         { "[!", "[!", true },
        { "*[", "x[", true },         { "\\*", "\\x", true },
        { "\\*", "*", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(list_matches(rows[i].pattern, rows[i].name),
                     rows[i].matches, "%s, %s", rows[i].pattern, rows[i].name);
}

/* Compares with fnmatch() of libc, for all texts of up to four of these bytes.
 * A NUL ends a text. */
Test(pattern, as_fnmatch)
{
    static const char bytes[] = "ab.\0*?";
    char pattern[5] = "", name[5] = "";

    for (unsigned i = 0; i < 6 * 6 * 6 * 6; i++)
        for (unsigned k = 0; k < 4 * 4 * 4 * 4; k++) {
            for (unsigned n = 0, p = i, q = k; n < 4; n++, p /= 6, q /= 4) {
                pattern[n] = bytes[p % 6];
                name[n] = bytes[q % 4];
            }
            cr_assert_eq(list_matches(pattern, name),
                         fnmatch(pattern, name, FNM_NOESCAPE | FNM_PERIOD) == 0,
                         "%s, %s", pattern, name);
        }
}

/* The work grows with the product of both lengths, and not faster. */
Test(pattern, of_a_hostile_client)
{
    char pattern[256], name[256];
    const clock_t before = clock();

    for (size_t i = 0; i < 254; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + 252, "*b", 3);
    memset(name, 'a', 255);
    name[255] = 0;
    for (int i = 0; i < 100; i++)
        cr_expect_not(list_matches(pattern, name));
    cr_expect_lt(clock() - before, 2 * CLOCKS_PER_SEC);
}

/* A directory that may be read, but not searched, isn't empty. Nor is it for a
 * member who may see own files only. */
Test(list, a_directory_that_cannot_be_searched)
{
    static const enum list_format formats[] = { LIST_LONG, LIST_FACTS,
                                                LIST_NAMES };

    for (int mine = 0; mine < 2; mine++) {
        struct peer *p = peer_new();

        if (mine)
            p->start.rights = RIGHT_ALL | RIGHT_MINE;
        PLAY(p, DIRECTORY("/d"), PUT("/d/f", "x"), BITS("/d", 0644), RUN());
        for (int i = 0; i < 2 + mine; i++) {
            DONE(ask_list(p, "/d", formats[i], ""));
            cr_expect_eq(p->listed, OUTCOME_DENIED, "%d %d", i, mine);
        }
        peer_stop(p);
    }
}

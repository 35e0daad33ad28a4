/* A transcript's own server, and its administrator. */
#include <wordexp.h>

#include "ctl.h"
#include "sallyport/base/clock.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/scratch.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"
#include "transcript_play.h"

#define USERS_MAX 16

struct head {
    struct server_plan plan;
    struct server_user user[USERS_MAX];
    struct server_share share[USERS_MAX];
    struct buf settings, lines;
    bool stopped, installed;
};

/* Splits "NAME KEYS" in the text itself. Returns the keys, or NULL. */
static const char *take_keys(char *text)
{
    char *blank = strchr(text, ' ');

    if (!blank)
        return NULL;
    *blank = '\0';
    return blank + 1;
}

static void head_user(struct head *h, char *rest)
{
    FAIL_IF(h->plan.user_count == USERS_MAX, "too many users");
    h->user[h->plan.user_count++] = (struct server_user){
        .keys = take_keys(rest),
        .name = rest,
    };
    h->plan.users = h->user;
}

static void head_users(struct head *h, char *rest)
{
    char *name;

    while ((name = strsep(&rest, " ")) != NULL)
        head_user(h, name);
}

static void head_share(struct head *h, char *rest)
{
    FAIL_IF(h->plan.share_count == USERS_MAX, "too many shares");
    h->share[h->plan.share_count++] = (struct server_share){
        .keys = take_keys(rest),
        .name = rest,
    };
    h->plan.shares = h->share;
}

static void head_line(struct head *h, char *rest)
{
    buf_add_format(&h->lines, "%s\n", rest);
}

/* Splits "KEY = VALUE" in the text itself. Returns the value. */
static char *take_value(char *text)
{
    char *at = strstr(text, " =");

    FAIL_IF(!at || (at[2] && at[2] != ' '), "no KEY = VALUE: %s", text);
    *at = '\0';
    return at[2] ? at + 3 : at + 2;
}

/* Takes a setting. Some settings have another value in a test than by default,
 * so the plan has a field for them. */
static void head_set(struct head *h, char *rest)
{
    const struct {
        const char *key, **value;
    } planned[] = {
        { "listen", &h->plan.listen },
        { "ports", &h->plan.ports },
        { "login_delay", &h->plan.login_delay },
        { "guess_delay", &h->plan.guess_delay },
        { "no_ban", &h->plan.no_ban },
    };
    const char *value = take_value(rest);

    for (size_t i = 0; i < sizeof(planned) / sizeof(*planned); i++)
        if (strcmp(planned[i].key, rest) == 0) {
            *planned[i].value = value;
            return;
        }
    buf_add_format(&h->settings, "%s = %s\n", rest, value);
}

static void head_env(struct head *h, char *rest)
{
    const char *value = take_value(rest);

    (void)h;
    setenv(rest, value, 1);
}

static void head_troubles(struct head *h, char *rest)
{
    (void)rest;
    h->plan.troubles = true;
}

static void head_root(struct head *h, char *rest)
{
    (void)h;
    (void)rest;
    if (geteuid() != 0)
        cr_skip_test("it needs root");
}

static void head_mounts(struct head *h, char *rest)
{
    (void)h;
    (void)rest;
    if (!mounts_own())
        cr_skip_test("it needs mounts of its own");
}

static void head_installed(struct head *h, char *rest)
{
    static char folder[] = "/tmp/sallyport-installed-XXXXXX";
    const char *sbin = server_build("sbin");
    const char *libexec = server_build("libexec");
    const char *other = server_build("tests/system/other_log");
    struct run_result r;

    (void)rest;
    FAIL_IF(!mkdtemp(folder), "%s", folder);
    run(&r, NULL, "/bin/cp", "-r", sbin, libexec, other, folder, NULL);
    FAIL_IF(r.status != 0, "%s", r.text);
    run_release(&r);
    setenv("SALLYPORT_BUILD", folder, 1);
    h->installed = true;
}

static void head_stopped(struct head *h, char *rest)
{
    (void)rest;
    h->stopped = true;
}

static const struct {
    const char *word;
    void (*take)(struct head *h, char *rest);
} heads[] = { { "USER", head_user },
              { "USERS", head_users },
              { "SHARE", head_share },
              { "LINE", head_line },
              { "ENV", head_env },
              { "SET", head_set },
              { "ROOT", head_root },
              { "MOUNTS", head_mounts },
              { "TROUBLES", head_troubles },
              { "STOPPED", head_stopped },
              { "INSTALLED", head_installed } };

/* Takes one line from *TEXT. Returns false if the line doesn't belong to the
 * head. */
static bool take_head(struct head *h, char **text)
{
    if (transcript_is_comment(*text)) {
        strsep(text, "\n");
        return true;
    }
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        char *rest = transcript_after(*text, heads[i].word);

        if (!rest)
            continue;
        strsep(text, "\n");
        heads[i].take(h, rest);
        return true;
    }
    return false;
}

static void begin(struct play *p, struct head *h)
{
    const char *user = h->plan.users ? h->user[0].name : "anna";

    if (buf_add(&h->settings, "", 1) || buf_add(&h->lines, "", 1))
        FAIL("the head is too long");
    h->plan.settings = h->settings.data;
    h->plan.lines = h->lines.data;
    p->installed = h->installed;
    server_prepare(p->server, &h->plan);
    ctl_on_path(p->server);
    play_client_init(p, user, user);
    if (p->wants_desk)
        play_desk_begin(p);
    if (!h->stopped)
        play_start(p, "");
}

unsigned play_head(struct play *p, char **text)
{
    struct head h = { 0 };
    unsigned number = 0;

    buf_init(&h.settings, 1 << 16);
    buf_init(&h.lines, 1 << 16);
    while (*text && take_head(&h, text))
        number++;
    begin(p, &h);
    buf_release(&h.settings);
    buf_release(&h.lines);
    return number;
}

void play_start(struct play *p, const char *rest)
{
    char port[16], pid[16];

    (void)rest;
    if (p->server->pid != 0)
        return;
    server_again(p->server);
    snprintf(port, sizeof(port), "%u", p->server->port);
    snprintf(pid, sizeof(pid), "%d", (int)p->server->pid);
    setenv("PORT", port, 1);
    setenv("SERVER", pid, 1);
    setenv("SOURCE", in_source(""), 1);
    setenv("CLOCK", server_build(CLOCK_PRELOAD), 1);
}

/* Puts {*} before and after the pattern, but not after a {keep} at the
 * pattern's end, which must keep the rest of the line. */
static void put_around(const char *pattern, char into[TRANSCRIPT_LINE_MAX + 8])
{
    static const char keep[] = "{keep}";
    size_t len = strlen(pattern), n = sizeof(keep) - 1;
    bool ends = len >= n && strcmp(pattern + len - n, keep) == 0;

    snprintf(into, TRANSCRIPT_LINE_MAX + 8, "{*}%s%s", pattern,
             ends ? "" : "{*}");
}

struct wanted {
    struct play *play;
    char pattern[TRANSCRIPT_LINE_MAX + 8];
};

static bool is_wanted(struct slice line, void *of)
{
    struct wanted *w = of;
    struct pattern_match m;

    if (!pattern_matches(slice_from(w->pattern), line, &m))
        return false;
    transcript_keep(w->play, &m);
    return true;
}

static void expect_lines(struct play *p, const char *pattern, unsigned lines)
{
    struct wanted w = { .play = p };
    unsigned found;

    put_around(pattern, w.pattern);
    server_log_await(p->server, lines, is_wanted, &w);
    found = server_log_count(p->server, is_wanted, &w);
    FAIL_IF(found != lines, "%u lines with \"%s\", and not %u", found, pattern,
            lines);
}

/* Counts again the lines of each LOGS. Call after the server's end, when the
 * log has all its lines. */
static void count_again(struct play *p)
{
    while (p->counts > 0) {
        struct counted *c = &p->counted[--p->counts];

        expect_lines(p, c->pattern, c->lines);
        free(c->pattern);
    }
}

void play_stop(struct play *p, const char *rest)
{
    (void)rest;
    server_halt(p->server);
    count_again(p);
}

void play_stop_hard(struct play *p, const char *rest)
{
    (void)rest;
    server_kill(p->server);
    count_again(p);
}

void play_set(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX], *value;

    snprintf(text, sizeof(text), "%s", rest);
    value = take_value(text);
    server_set(p->server, text, value);
}

/* REST is "FILE FROM => TO"; FROM and TO can have escapes. */
static void edit(struct play *p, const char *rest, bool in_place)
{
    char file[TRANSCRIPT_NAME_MAX], text[TRANSCRIPT_LINE_MAX];
    char from[TRANSCRIPT_LINE_MAX], to[TRANSCRIPT_LINE_MAX];
    const char *after;

    rest = transcript_word(rest, file, sizeof(file));
    snprintf(text, sizeof(text), "%s", rest);
    after = transcript_cut(text);
    FAIL_IF(!after, "no FROM => TO: %s", text);
    from[transcript_unescape(text, from)] = '\0';
    to[transcript_unescape(after, to)] = '\0';
    p->acted_at = clock_ms();
    files_change(server_path(p->server, file), from, to, in_place);
}

void play_edit(struct play *p, const char *rest)
{
    edit(p, rest, false);
}

void play_edit_in_place(struct play *p, const char *rest)
{
    edit(p, rest, true);
}

void play_keep_output(struct play *p, const char *text)
{
    run_release(&p->output);
    p->output.text = strdup(text);
    FAIL_IF(!p->output.text, "no memory");
    p->output_at = p->output.text;
}

int play_run_line(struct play *p, const char *rest)
{
    const bool executes = strncmp(rest, "exec ", 5) == 0;
    struct running r;
    wordexp_t words;

    FAIL_IF(chdir(play_desk_folder(p)), "chdir: %s", strerror(errno));
    play_desk_name(p);
    run_release(&p->output);
    if (!*p->input && !p->has_desk)
        strcpy(p->input, SERVER_PASSWORD "\n");
    /* wordexp() cuts the "/" off a pattern that matches no file here. */
    if (executes && !strpbrk(rest, "*?[") &&
        wordexp(rest + 5, &words, WRDE_NOCMD) == 0) {
        run_start(&r, p->input, words.we_wordv);
        run_finish(&r, &p->output);
        wordfree(&words);
    } else {
        run(&p->output, p->input, "/bin/sh", "-c", rest, NULL);
    }
    p->output_at = p->output.text;
    *p->input = '\0';
    return p->output.status;
}

static int run_line(struct play *p, const char *program, const char *rest)
{
    char line[TRANSCRIPT_LINE_MAX + 2 * SERVER_PATH_MAX];

    snprintf(line, sizeof(line), "%s%s", program, rest);
    return play_run_line(p, line);
}

static void run_well(struct play *p, const char *program, const char *rest)
{
    int status;

    p->acted_at = clock_ms();
    status = run_line(p, program, rest);
    FAIL_IF(status != 0, "%s: exit status %d: %s", rest, status,
            p->output.text);
}

/* REST begins with the expected exit status. */
static void run_badly(struct play *p, const char *program, const char *rest)
{
    char wanted[8];
    int status;

    rest = transcript_word(rest, wanted, sizeof(wanted));
    p->acted_at = clock_ms();
    status = run_line(p, program, rest);
    FAIL_IF(status != atoi(wanted), "%s: exit status %d: %s", rest, status,
            p->output.text);
}

/* Returns what the script of ctl_on_path() executes. */
static const char *sallyportctl(const struct play *p)
{
    static char text[2 * SERVER_PATH_MAX];

    snprintf(text, sizeof(text), "exec '%s' --config '%s' ",
             server_program("sallyportctl"),
             server_path(p->server, "sallyport.conf"));
    return text;
}

/* The command's own time doesn't count for WITHIN. */
void play_ctl(struct play *p, const char *rest)
{
    run_well(p, sallyportctl(p), rest);
    p->acted_at = clock_ms();
}

void play_ctl_fails(struct play *p, const char *rest)
{
    run_badly(p, sallyportctl(p), rest);
}

void play_run(struct play *p, const char *rest)
{
    run_well(p, "", rest);
}

void play_run_fails(struct play *p, const char *rest)
{
    run_badly(p, "", rest);
}

void play_input(struct play *p, const char *rest)
{
    char line[TRANSCRIPT_LINE_MAX];
    const size_t len = transcript_unescape(rest, line);
    const size_t n = strlen(p->input);

    FAIL_IF(n + len + 2 > sizeof(p->input), "%s", rest);
    snprintf(p->input + n, sizeof(p->input) - n, "%.*s\n", (int)len, line);
}

/* Returns the text after the first line that has the pattern in it, or NULL. */
static const char *find_line(struct play *p, const char *text,
                             const char *pattern)
{
    struct wanted w = { .play = p };

    put_around(pattern, w.pattern);
    while (text && *text) {
        const size_t len = strcspn(text, "\n");
        const bool found = is_wanted((struct slice){ text, len }, &w);

        text += len + (text[len] != '\0');
        if (found)
            return text;
    }
    return NULL;
}

void play_output(struct play *p, const char *rest)
{
    const char *next = find_line(p, p->output_at, rest);

    FAIL_IF(!next, "expected: %s\n      in: %s", rest, p->output_at);
    p->output_at = next;
}

void play_output_lacks(struct play *p, const char *rest)
{
    FAIL_IF(find_line(p, p->output.text, rest),
            "not expected: %s\n          in: %s", rest, p->output.text);
}

struct condition {
    struct play *play;
    const char *text;
};

static bool shell_agrees(void *of)
{
    struct condition *c = of;

    return run_line(c->play, "", c->text) == 0;
}

void play_until(struct play *p, const char *rest)
{
    struct condition c = { .play = p, .text = rest };

    FAIL_IF(!wait_until(shell_agrees, &c, WAIT_MS), "%s: %s", rest,
            p->output.text);
}

void play_log(struct play *p, const char *rest)
{
    struct wanted w = { .play = p };
    struct buf log;

    put_around(rest, w.pattern);
    if (server_log_await(p->server, 1, is_wanted, &w))
        return;
    server_log(p->server, &log);
    FAIL("no \"%s\" in the log:\n%s", rest, log.data);
}

/* Returns the record of an earlier LOGS with the pattern, or a new record. */
static struct counted *counted_of(struct play *p, const char *pattern)
{
    struct counted *c;

    for (size_t i = 0; i < p->counts; i++)
        if (strcmp(p->counted[i].pattern, pattern) == 0)
            return &p->counted[i];
    FAIL_IF(p->counts == TRANSCRIPT_COUNTED, "too many LOGS");
    c = &p->counted[p->counts++];
    c->pattern = strdup(pattern);
    FAIL_IF(!c->pattern, "no memory");
    return c;
}

void play_log_lines(struct play *p, const char *rest)
{
    char number[16];
    struct counted *c;

    rest = transcript_word(rest, number, sizeof(number));
    c = counted_of(p, rest);
    c->lines = (unsigned)transcript_size(number);
    expect_lines(p, c->pattern, c->lines);
}

void play_kill(struct play *p, const char *rest)
{
    char title[TRANSCRIPT_NAME_MAX + 16], name[16] = "";
    static struct processes all;

    if (*rest == '-')
        rest = transcript_word(rest + 1, name, sizeof(name));
    snprintf(title, sizeof(title), "sallyport: %s", rest);
    if (!*name) {
        processes_kill(p->server->pid, title);
        return;
    }
    processes_of(p->server->pid, &all);
    const struct process_row *row = processes_find(&all, title);
    FAIL_IF(!row, "no process %s", title);
    kill(row->pid, transcript_signal(name));
}

void play_within(struct play *p, const char *rest)
{
    uint64_t ms = clock_ms() - p->acted_at;

    FAIL_IF(ms > 1000 * transcript_size(rest), "it took %llu ms",
            (unsigned long long)ms);
}

/* Plays transcripts: a table of directives, each with a short function. */
#include "transcript.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/long.h"
#include "support/scratch.h"
#include "support/test.h"
#include "transcript_play.h"

enum { OFFLINE = 1, IN_DATA = 2, ALONE = 4, IN_OUTPUT = 8, DESK = 16 };

static const struct directive {
    const char *word;
    transcript_play_fn *play;
    unsigned flags; /* OFFLINE: needs no connection; IN_DATA: belongs to a row
                       of DATA lines; ALONE: needs a server of its own;
                       IN_OUTPUT: belongs to an output; DESK: needs a desk */
} directives[] = {
    { "C:", play_send, 0 },
    { "DO", play_do, 0 },
    { "C!", play_raw, 0 },
    { "S:", play_expect, 0 },
    { "S~", play_expect_until, 0 },
    { "TLS", play_tls, 0 },
    { "ARRIVE", play_arrive, 0 },
    { "LOGIN", play_login, 0 },
    { "ENTER", play_enter, OFFLINE },
    { "SHOW", play_show, 0 },
    { "LAST", play_last, 0 },
    { "TRY", play_try, OFFLINE },
    { "REFUSED", play_refused, OFFLINE },
    { "QUIT", play_quit, 0 },
    { "END", play_ended, 0 },
    { "CLOSE", play_close, 0 },
    { "AS", play_as, OFFLINE },
    { "HOST", play_host, OFFLINE },
    { "FROM", play_from, OFFLINE },
    { "IMPLICIT", play_implicit, OFFLINE },
    { "DATA!", play_data_raw, IN_DATA },
    { "DATA>", play_data_out, IN_DATA },
    { "DATA<", play_data_in, IN_DATA },
    { "NOISE>", play_noise_out, IN_DATA },
    { "NOISE<", play_noise_in, IN_DATA },
    { "HOLD", play_hold, IN_DATA },
    { "EPSV", play_epsv, 0 },
    { "OPEN", play_open, 0 },
    { "OPEN!", play_open_fails, 0 },
    { "DONE", play_done, IN_DATA },
    { "CUT", play_cut, IN_DATA },
    { "PARTIAL", play_partial, OFFLINE | IN_DATA },
    { "PUT", play_put, 0 },
    { "PUT~", play_put_noise, 0 },
    { "LEAVE", play_leave, 0 },
    { "GET", play_get, 0 },
    { "READ", play_read, 0 },
    { "FILE", play_file, OFFLINE },
    { "FOLDER", play_folder, OFFLINE },
    { "NOISE", play_noise, OFFLINE },
    { "HAS", play_has, OFFLINE },
    { "HAS~", play_has_noise, OFFLINE },
    { "GONE", play_gone, OFFLINE },
    { "SET", play_set, OFFLINE | ALONE },
    { "EDIT", play_edit, OFFLINE | ALONE },
    { "EDIT!", play_edit_in_place, OFFLINE | ALONE },
    { "CTL", play_ctl, OFFLINE | ALONE },
    { "CTL!", play_ctl_fails, OFFLINE | ALONE },
    { "RUN", play_run, OFFLINE | ALONE },
    { "RUN!", play_run_fails, OFFLINE | ALONE },
    { "INPUT", play_input, OFFLINE | ALONE },
    { ">", play_output, OFFLINE },
    { ">!", play_output_lacks, OFFLINE },
    { "WITHIN", play_within, OFFLINE | ALONE },
    { "UNTIL", play_until, OFFLINE | ALONE },
    { "LOG", play_log, OFFLINE | ALONE },
    { "LOGS", play_log_lines, OFFLINE | ALONE },
    { "KILL", play_kill, OFFLINE | ALONE },
    { "STOP", play_stop, OFFLINE | ALONE },
    { "STOP!", play_stop_hard, OFFLINE | ALONE },
    { "START", play_start, OFFLINE | ALONE },
    { "=", play_line_is, OFFLINE | ALONE | IN_OUTPUT },
    { "=*", play_lines_are, OFFLINE | ALONE | IN_OUTPUT },
    { "...", play_lines_skip, OFFLINE | ALONE | IN_OUTPUT },
    { "$", play_sallyport, OFFLINE | DESK },
    { "$!", play_sallyport_fails, OFFLINE | DESK },
    { "$?", play_sallyport_any, OFFLINE | DESK },
    { "$&", play_sallyport_starts, OFFLINE | DESK },
    { "SIGNAL", play_signal, OFFLINE | DESK },
    { "WAIT", play_wait, OFFLINE | DESK },
    { "SCREEN", play_screen, OFFLINE | DESK },
    { "TYPE", play_type, OFFLINE | DESK },
    { "KEYS", play_keys, OFFLINE | DESK },
    { "SEE", play_see, OFFLINE | DESK },
    { "SEES", play_see_times, OFFLINE | DESK },
    { "PROMPT", play_prompt, OFFLINE | DESK },
    { "WIDTH", play_width, OFFLINE | DESK },
    { "PROXY", play_proxy, OFFLINE | DESK },
    { "FAULTY", play_faulty, OFFLINE | ALONE },
    { "HEARD", play_heard, OFFLINE | DESK },
    { "SLOW", play_slow, OFFLINE | ALONE },
};

/* A line of the directive .play can go on with " => ": .then plays the text
 * behind it. */
static const struct {
    transcript_play_fn *play, *then;
} pairs[] = {
    { play_try, play_output },        { play_put, play_output },
    { play_ctl, play_output },        { play_ctl_fails, play_output },
    { play_run, play_output },        { play_run_fails, play_output },
    { play_sallyport, play_line_is }, { play_sallyport_fails, play_line_is },
    { play_wait, play_line_is },      { play_type, play_see },
    { play_keys, play_see },
};

static transcript_play_fn *find_then(transcript_play_fn *play)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        if (pairs[i].play == play)
            return pairs[i].then;
    return NULL;
}

static const struct directive *find(char *line, const char **rest)
{
    for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
        *rest = transcript_after(line, directives[i].word);
        if (*rest)
            return &directives[i];
    }
    return NULL;
}

bool transcript_is_comment(const char *line)
{
    return *line == '#' || *line == '\n' || *line == '\0';
}

char *transcript_after(char *line, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(line, word, n) != 0)
        return NULL;
    if (line[n] == ' ')
        return line + n + 1;
    return line[n] == '\n' || line[n] == '\0' ? line + n : NULL;
}

const char *transcript_word(const char *text, char *into, size_t size)
{
    size_t len = strcspn(text, " ");

    FAIL_IF(len == 0 || len >= size, "no word: %s", text);
    snprintf(into, size, "%.*s", (int)len, text);
    return text[len] ? text + len + 1 : text + len;
}

size_t transcript_size(const char *word)
{
    uint64_t size;

    FAIL_IF(slice_size(slice_from(word), &size), "no size: %s", word);
    return size;
}

int transcript_signal(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = { { "ABRT", SIGABRT }, { "ALRM", SIGALRM },
                    { "CONT", SIGCONT }, { "INT", SIGINT },
                    { "KILL", SIGKILL }, { "STOP", SIGSTOP } };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    FAIL("no such signal: %s", name);
}

unsigned char *transcript_noise(size_t len)
{
    unsigned char *bytes = malloc(len + 1);

    FAIL_IF(!bytes, "no memory");
    files_noise(bytes, len, 7);
    return bytes;
}

const char *transcript_path(const struct play *p, const char *name)
{
    if (strncmp(name, "./", 2) == 0)
        return name;
    if (*name == '/')
        return server_share_path(p->server, name);
    return server_home_file(p->server, p->c->user, name);
}

void transcript_keep(struct play *p, const struct pattern_match *m)
{
    if (m->kept.ptr)
        snprintf(p->kept, sizeof(p->kept), "%.*s", (int)m->kept.len,
                 m->kept.ptr);
}

static void play_line(struct play *p, char *line)
{
    const struct transcript_words words = { p->c->user, p->server->folder,
                                            p->kept, p->each };
    char filled[TRANSCRIPT_LINE_MAX];
    const struct directive *d;
    const char *rest;
    transcript_play_fn *then;
    char *wanted;

    if (transcript_is_comment(line))
        return;
    d = find(line, &rest);
    if (!d)
        FAIL("unknown directive: %s", line);
    FAIL_IF((d->flags & ALONE) && !p->alone, "it needs its own server: %s",
            line);
    FAIL_IF((d->flags & DESK) && !p->has_desk, "it needs a desk: %s", line);
    if (!(d->flags & IN_DATA))
        play_data_end(p->c);
    if (!(d->flags & IN_OUTPUT))
        play_output_end(p);
    if (!(d->flags & OFFLINE))
        play_connect(p);
    then = find_then(d->play);
    wanted = then ? transcript_cut(line) : NULL;
    transcript_fill(rest, &words, filled);
    d->play(p, filled);
    while (wanted) {
        char *pattern = wanted;

        wanted = transcript_cut(pattern);
        transcript_fill(pattern, &words, filled);
        then(p, filled);
    }
}

static void play_text(struct play *p, const char *file, char *text,
                      unsigned number)
{
    char *line;

    while ((line = strsep(&text, "\n")) != NULL) {
        fail_context("%s:%u: ", file, ++number);
        play_line(p, line);
    }
    play_output_end(p);
    for (size_t i = 0; i < p->clients; i++) {
        p->c = &p->client[i];
        if (p->c->connected && p->c->session.tls && !p->c->data.tls &&
            p->server->pid)
            play_quit(p, "");
        play_client_release(p->c);
    }
    run_release(&p->output);
}

static void read_text(const char *file, struct buf *text)
{
    buf_init(text, 1 << 20);
    if (!files_read(file, text) || buf_add(text, "", 1))
        FAIL("%s: can't be read", file);
}

void transcript_play(struct server *server, const char *file, const char *user)
{
    static struct play p;
    struct buf text;

    p = (struct play){ .server = server };
    play_client_init(&p, user, user);
    read_text(file, &text);
    play_text(&p, file, text.data, 0);
    buf_release(&text);
}

static void play_alone(const char *file, bool wants_desk)
{
    static struct play p;
    struct server server;
    struct buf text;
    unsigned head;
    char *rest;

    p = (struct play){ .server = &server,
                       .alone = true,
                       .wants_desk = wants_desk };
    read_text(file, &text);
    fail_context("%s: ", file);
    rest = text.data;
    head = play_head(&p, &rest);
    play_text(&p, file, rest, head);
    buf_release(&text);
    if (server.pid != 0)
        play_stop(&p, "");
    play_desk_end(&p);
    server_forget(&server);
    if (p.installed)
        scratch_remove_tree(getenv("SALLYPORT_BUILD"));
}

void transcript_play_alone(const char *file)
{
    play_alone(file, false);
}

void transcript_play_client(const char *file)
{
    play_alone(file, true);
}

/* Plays TEXT, which follows NUMBER lines of the file, with EACH for {each}. */
static void play_each(const char *file, const char *text, unsigned number,
                      const char *each)
{
    static struct play p;
    static struct server server;
    char *copy = strdup(text);

    FAIL_IF(!copy, "no memory");
    server = (struct server){ 0 };
    p = (struct play){ .server = &server, .alone = true, .each = each };
    play_client_init(&p, "anna", "anna");
    play_text(&p, file, copy, number);
    play_desk_end(&p);
    free(copy);
}

/* Plays a text once for each word of EACH, in a short run only for the words
 * before LONG. The first line of WORDS has these words; the text follows. */
static void play_all(const char *file, char *words, unsigned number)
{
    const char *word;
    char *text = words;

    words = strsep(&text, "\n");
    FAIL_IF(!text, "there is nothing after EACH");
    while ((word = strsep(&words, " ")) != NULL)
        if (strcmp(word, "LONG") != 0)
            play_each(file, text, number, word);
        else if (!is_long())
            return;
}

void transcript_play_faulty(const char *file)
{
    struct buf text;
    unsigned number = 0;
    char *rest, *words = NULL;

    read_text(file, &text);
    fail_context("%s: ", file);
    rest = text.data;
    while (rest && !(words = transcript_after(rest, "EACH")) &&
           transcript_is_comment(rest)) {
        strsep(&rest, "\n");
        number++;
    }
    if (!words)
        play_each(file, rest, number, NULL);
    else
        play_all(file, words, number + 1);
    buf_release(&text);
}

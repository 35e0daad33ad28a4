/* Code that the directives of a transcript share. */
#ifndef TESTS_SYSTEM_TRANSCRIPT_PLAY_H
#define TESTS_SYSTEM_TRANSCRIPT_PLAY_H

#include "faulty.h"
#include "support/pattern.h"
#include "support/run.h"
#include "support/server.h"
#include "support/session.h"
#include "terminal.h"
#include "transcript_text.h"

#define TRANSCRIPT_CLIENTS   24
#define TRANSCRIPT_NAME_MAX  64
#define TRANSCRIPT_NOISE_MAX (64u << 20)
#define TRANSCRIPT_COUNTED   64

struct client {
    char name[TRANSCRIPT_NAME_MAX], user[TRANSCRIPT_NAME_MAX];
    struct session session;
    struct tls_session *shown; /* the ticket from SHOW; NULL: none */
    bool connected, implicit;
    struct data data;
    struct buf wanted; /* text of consecutive DATA< lines */
    bool wants;        /* there was a DATA< */
    bool noise;        /* WANTED is bytes, not a pattern */
    bool held;
};

/* Lines of the log that LOGS has counted. */
struct counted {
    char *pattern;
    unsigned lines;
};

struct play {
    struct server *server;
    bool alone, installed;
    struct client client[TRANSCRIPT_CLIENTS];
    size_t clients;
    struct client *c; /* client of the present line */
    char input[TRANSCRIPT_LINE_MAX];
    struct run_result output; /* of the last program, or the last reply */
    const char *output_at;
    bool whole, skips; /* a directive names each line of the output; but not the
                          next lines */
    char kept[1024];   /* what {keep} has matched */
    uint64_t acted_at; /* when the last EDIT, CTL or RUN began */
    struct counted counted[TRANSCRIPT_COUNTED];
    size_t counts;
    bool wants_desk, has_desk;
    struct faulty faulty; /* the desk, and its played server, if any */
    pid_t proxy;
    struct running running;
    struct terminal screen;
    const char *each;
};

typedef void transcript_play_fn(struct play *p, const char *rest);

bool transcript_is_comment(const char *line);
/* Returns the text after the word at the beginning of the line, or NULL if the
 * line doesn't begin with this word. */
char *transcript_after(char *line, const char *word);
/* Copies the first word of the text, up to a blank. Fails if the text has no
 * word. Returns the text after it. */
const char *transcript_word(const char *text, char *into, size_t size);
/* Reads a size: 300, 64K or 2M. */
size_t transcript_size(const char *word);
int transcript_signal(const char *name);
/* Returns LEN bytes of noise; the caller frees them. */
unsigned char *transcript_noise(size_t len);
/* Returns the path of a file that a transcript names, in a buffer that the next
 * call uses again. */
const char *transcript_path(const struct play *p, const char *name);
/* Stores for {kept} what the pattern's {keep} has matched, if it has one. */
void transcript_keep(struct play *p, const struct pattern_match *m);

/* The client: transcript_client.c */
void play_client_init(struct play *p, const char *name, const char *user);
void play_client_release(struct client *c);
/* Connects, unless the client is connected. */
void play_connect(struct play *p);
unsigned play_port(const struct play *p);
transcript_play_fn play_as, play_enter, play_host, play_from, play_implicit;
transcript_play_fn play_send, play_raw, play_expect, play_expect_until;
transcript_play_fn play_tls, play_arrive, play_login, play_show, play_try;
transcript_play_fn play_quit, play_do, play_refused;
transcript_play_fn play_last, play_ended, play_close;

/* Transfers: transcript_data.c */
/* Call after the last DATA line of a row. Ends the stream, and compares the
 * received bytes. */
void play_data_end(struct client *c);
transcript_play_fn play_data_raw, play_data_out, play_data_in, play_noise_out;
transcript_play_fn play_noise_in, play_hold, play_done, play_epsv, play_open;
transcript_play_fn play_open_fails, play_cut, play_partial, play_put;
transcript_play_fn play_put_noise, play_leave, play_get, play_read;

/* Files: transcript_files.c */
transcript_play_fn play_file, play_folder, play_noise, play_has;
transcript_play_fn play_has_noise, play_gone;

/* The server: transcript_server.c */
/* Takes the lines of the head from *TEXT, and prepares or starts a server by
 * them. Returns the number of these lines. */
unsigned play_head(struct play *p, char **text);
void play_keep_output(struct play *p, const char *text);
transcript_play_fn play_set, play_edit, play_edit_in_place;
transcript_play_fn play_ctl, play_ctl_fails, play_run, play_run_fails;
transcript_play_fn play_input, play_output, play_output_lacks;
transcript_play_fn play_until, play_log, play_log_lines;
transcript_play_fn play_kill, play_stop, play_stop_hard;
transcript_play_fn play_start, play_within;
/* Runs a line in a shell, or "exec WORDS" without one if the words need none.
 * Returns its exit status. */
int play_run_line(struct play *p, const char *line);

/* The client program: transcript_desk.c */
/* Makes a desk for a real server. */
void play_desk_begin(struct play *p);
void play_desk_end(struct play *p);
/* Sets the variables that a shell's line can use. */
void play_desk_name(struct play *p);
/* Returns the directory in which lines run. */
const char *play_desk_folder(const struct play *p);
/* Call after the last line about an output. Fails if each line must be named,
 * and some are left. */
void play_output_end(struct play *p);
transcript_play_fn play_sallyport, play_sallyport_fails, play_sallyport_any;
transcript_play_fn play_sallyport_starts, play_signal, play_wait;
transcript_play_fn play_line_is, play_lines_are, play_lines_skip;
transcript_play_fn play_screen, play_type, play_keys, play_width;
transcript_play_fn play_see, play_see_times, play_prompt;
transcript_play_fn play_faulty, play_heard, play_proxy, play_slow;

#endif

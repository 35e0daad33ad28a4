/* The files of a transcript's users. */
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"
#include "transcript_play.h"

#define FILE_NAME_MAX 256

static const char *split(const char *text, char name[FILE_NAME_MAX])
{
    return transcript_word(text, name, FILE_NAME_MAX);
}

/* Gives a file on the server to the client's user. */
static void give(const struct play *p, const char *path)
{
    if (*path == '/')
        files_give_to_owner_of(server_home(p->server, p->c->user), path);
}

static void make(const struct play *p, const char *name, const void *bytes,
                 size_t len)
{
    const char *path = transcript_path(p, name);

    files_write(path, bytes, len, 0644);
    give(p, path);
}

void play_file(struct play *p, const char *rest)
{
    char name[FILE_NAME_MAX], text[TRANSCRIPT_LINE_MAX];

    rest = split(rest, name);
    make(p, name, text, transcript_unescape(rest, text));
}

void play_folder(struct play *p, const char *rest)
{
    const char *path = transcript_path(p, rest);

    files_make_folder(path, 0755);
    give(p, path);
}

void play_noise(struct play *p, const char *rest)
{
    char name[FILE_NAME_MAX];
    size_t len = transcript_size(split(rest, name));
    unsigned char *bytes = transcript_noise(len);

    make(p, name, bytes, len);
    free(bytes);
}

static void expect(const struct play *p, const char *name, const void *bytes,
                   size_t len)
{
    struct buf got;

    buf_init(&got, TRANSCRIPT_NOISE_MAX);
    if (!files_read(transcript_path(p, name), &got))
        FAIL("there is no file %s", name);
    if (got.len != len || (len > 0 && memcmp(got.data, bytes, len) != 0))
        FAIL("%s holds %zu bytes: %.*s", name, got.len,
             (int)(got.len < 1024 ? got.len : 1024), got.data);
    buf_release(&got);
}

void play_has(struct play *p, const char *rest)
{
    char name[FILE_NAME_MAX], text[TRANSCRIPT_LINE_MAX];

    rest = split(rest, name);
    expect(p, name, text, transcript_unescape(rest, text));
}

void play_has_noise(struct play *p, const char *rest)
{
    char name[FILE_NAME_MAX];
    size_t len = transcript_size(split(rest, name));
    unsigned char *bytes = transcript_noise(len);

    expect(p, name, bytes, len);
    free(bytes);
}

void play_gone(struct play *p, const char *rest)
{
    if (files_exists(transcript_path(p, rest)))
        FAIL("%s exists", rest);
}

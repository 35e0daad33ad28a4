/* Runs the line reader. However the bytes are cut, its results must be the
 * same. No line may contain NUL, CR or LF, or exceed the limit. The reader
 * stops only with LINE_LONG. The lowest bit of the first byte turns telnet on;
 * the second byte chooses the cuts. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/base/buf.h"
#include "sallyport/ftp/line.h"

#define TRANSCRIPT_MAX (64u << 20)

static void note(struct buf *transcript, enum line_state state,
                 struct slice line)
{
    char head[2] = { (char)('0' + state), '\n' };

    FUZZ_CHECK(line.len <= LINE_MAX_BYTES);
    FUZZ_CHECK(!slice_has(line, '\0') && !slice_has(line, '\r') &&
               !slice_has(line, '\n'));
    FUZZ_CHECK(buf_add_slice(transcript, line) == 0);
    FUZZ_CHECK(buf_add(transcript, head, sizeof(head)) == 0);
}

/* Takes all lines that are complete. Returns false when a line is too long. */
static bool take_all(struct line_reader *l, struct buf *transcript)
{
    enum line_state state;
    struct slice line;

    do {
        line = SLICE("");
        state = line_next(l, &line);
        if (state != LINE_MORE)
            note(transcript, state, line);
    } while (state == LINE_WHOLE || state == LINE_BAD);
    return state == LINE_MORE;
}

static void read_cut(struct slice rest, bool telnet, size_t cut,
                     struct buf *transcript)
{
    static struct line_reader l;
    bool more = true;

    line_init(&l);
    l.telnet = telnet;
    while (more && rest.len > 0) {
        size_t room;
        char *into = line_room(&l, &room);
        struct slice part = fuzz_take(&rest, cut < room ? cut : room);

        FUZZ_CHECK(room > 0);
        memcpy(into, part.ptr, part.len);
        line_added(&l, part.len);
        more = take_all(&l, transcript);
        line_wipe(&l);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_slice(data, size);
    bool telnet = fuzz_number(&rest, 1) & 1;
    size_t cut = fuzz_number(&rest, 1) + 2;
    struct buf whole, bytes, parts;

    buf_init(&whole, TRANSCRIPT_MAX);
    buf_init(&bytes, TRANSCRIPT_MAX);
    buf_init(&parts, TRANSCRIPT_MAX);
    read_cut(rest, telnet, SIZE_MAX, &whole);
    read_cut(rest, telnet, 1, &bytes);
    read_cut(rest, telnet, cut, &parts);
    FUZZ_CHECK(slice_equal(buf_slice(&whole), buf_slice(&bytes)));
    FUZZ_CHECK(slice_equal(buf_slice(&whole), buf_slice(&parts)));
    buf_release(&whole);
    buf_release(&bytes);
    buf_release(&parts);
    return 0;
}

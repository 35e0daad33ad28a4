#include "sallyport/base/idmap.h"

#include <fcntl.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* A line has three numbers, "         0     100000      65536": the first id
 * inside, the first id outside, and the number of ids. */
bool idmap_text_has(struct slice text, uint64_t first, uint64_t last,
                    uint64_t *last_there)
{
    struct slice rest = text, line, word;
    uint64_t next = first;

    while (next <= last && slice_cut(&rest, '\n', &line)) {
        uint64_t field[3] = { 0 };
        size_t n = 0;

        while (n < 3 && slice_cut(&line, ' ', &word))
            if (word.len > 0 && slice_number(word, UINT32_MAX, &field[n++]) < 0)
                break;
        if (n < 3 || next < field[0] || next >= field[0] + field[2])
            continue;
        next = field[0] + field[2];
        rest = text; /* search from the first line again, since the lines aren't
                        sorted */
    }
    *last_there = next > last ? last : next - 1;
    return next > last;
}

bool idmap_has(const char *file, uint64_t first, uint64_t last,
               uint64_t *last_there)
{
    FD_CLEANUP int fd = open(file, O_RDONLY | O_CLOEXEC);
    char text[4096];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    *last_there = last;
    return n <= 0 || idmap_text_has((struct slice){ text, (size_t)n }, first,
                                    last, last_there);
}

/* The words for the parts of a sandbox. Pure; the room sandbox follows them. */
#include "sallyport/domain/sandbox_part.h"

const struct sandbox_part_row sandbox_parts[SANDBOX_PARTS] = {
    { SANDBOX_IDS, "ids" },
    { SANDBOX_CHROOT, "chroot" },
    { SANDBOX_SECCOMP, "seccomp" },
    { SANDBOX_LANDLOCK, "landlock" },
};

unsigned sandbox_part_parse(struct slice word)
{
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (slice_equal(word, slice_from(sandbox_parts[i].word)))
            return sandbox_parts[i].part;
    return 0;
}

const char *sandbox_part_word(unsigned part)
{
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (part == sandbox_parts[i].part)
            return sandbox_parts[i].word;
    return "?";
}

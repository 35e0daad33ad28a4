/* The words for the parts of a sandbox. Pure; the room sandbox follows them. */
#include "sallyport/domain/sandbox_part.h"

#include <stddef.h>

const struct sandbox_part_row sandbox_parts[SANDBOX_PARTS] = {
    { SANDBOX_IDS, "ids" },
    { SANDBOX_CHROOT, "chroot" },
    { SANDBOX_SECCOMP, "seccomp" },
    { SANDBOX_LANDLOCK, "landlock" },
};

const char *sandbox_part_word(unsigned part)
{
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (part == sandbox_parts[i].part)
            return sandbox_parts[i].word;
    return "?";
}

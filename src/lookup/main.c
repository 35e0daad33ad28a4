/* The process lookup: finds the addresses of the host names in the setting
 * `address`, and ends. It runs only if the setting has such names. It has no
 * secret, serves no client, and parses no answer of the network: a fork does
 * that for each try. */
#include <unistd.h>

#include "lookup.h"

int main(int argc, char **argv)
{
    static struct lookup lookup;

    /* Master expects status 0. At exit() a sanitizer looks for leaks, and fails
     * in this sandbox, which has no /proc. */
    _exit(frame_main(&lookup_row, &lookup.frame, argc, argv));
}

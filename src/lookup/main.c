/* The process lookup: finds the addresses of the host names in the setting
 * `address`, and ends. It runs only where there are any. It has no secret,
 * serves no client, and parses no answer of the network: each try is a fork. */
#include "lookup.h"

int main(int argc, char **argv)
{
    static struct lookup lookup;

    return frame_main(&lookup_row, &lookup.frame, argc, argv);
}

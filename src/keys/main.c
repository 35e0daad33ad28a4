/* The process keys: holds the private keys and signs TLS handshakes. It opens
 * nothing, reaches nobody, and its memory is nobody else's. */
#include "keys.h"

int main(int argc, char **argv)
{
    static struct keys keys;

    return frame_main(&keys_row, &keys.frame, argc, argv);
}

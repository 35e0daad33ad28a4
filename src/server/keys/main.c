/* The process keys: it holds the private keys and signs TLS handshakes. It
 * opens nothing and connects to nobody, and no other process can read its
 * memory. */
#include "keys.h"

int main(int argc, char **argv)
{
    static struct keys keys;

    return frame_main(&keys_row, &keys.frame, argc, argv);
}

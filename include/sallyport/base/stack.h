/* Wiping what earlier calls have left on the stack. */
#ifndef SALLYPORT_BASE_STACK_H
#define SALLYPORT_BASE_STACK_H

/* Wipes what is below the caller's frame, down to 512 KiB, and gives all pages
 * but the next one or two back to the kernel. */
void stack_wipe_below(void);

#endif

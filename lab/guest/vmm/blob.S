/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest payload inside the VMM; PAYLOAD comes from the Makefile. */
	.section .rodata
	.globl payload_start, payload_end
	.balign	16
payload_start:
	.incbin	PAYLOAD
payload_end:
	.section .note.GNU-stack, "", @progbits

// The empty program that starting ours is compared with.

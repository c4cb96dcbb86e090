// SPDX-License-Identifier: Apache-2.0
// The wiring diagram: builds everything, hands it down by reference.
int main() { return 0; }

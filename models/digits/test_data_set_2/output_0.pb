
BprobabilitiesJ(IÃ5ã‰5Ì|5^6ãWP6ÌÙ^8iÅl6rU°5Áq~?æğÄ;
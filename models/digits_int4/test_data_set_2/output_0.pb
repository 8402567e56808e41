
BprobabilitiesJ(Y¥Á5¸ê5OYê5x­ 6Æå½6ž€9>Æ6”Sä6V|?Ff<
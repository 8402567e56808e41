
BprobabilitiesJ(ÀçÊ5Z™9X¢?€·5¡Ýò4¦3Ez&3Ä-%2× ’:¤d{7